import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import { freezeConversation } from "#shared/documents/freeze-conversation.ts";
import { thawInto } from "#shared/documents/thaw-snapshot.ts";
import { checkFrozen, contentIdOf, hashOf } from "#shared/domain/frozen-content.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { FINISH_REASONS, RUN_FAILURE_CODES, TERMINAL_RUN_STATUSES } from "#shared/domain/run.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { principalOf } from "#tests/support/principals.ts";
import { hostileSeed } from "#tests/support/seeded-random.ts";
import { newId, openSnapshotScene } from "#tests/support/snapshot-scene.ts";
import type { SnapshotScene } from "#tests/support/snapshot-scene.ts";

const SEED = hostileSeed();
const RUNS = 1_000;
const ADA = principalOf("ada").accountId;

let scene: SnapshotScene;
beforeAll(async () => {
  scene = await openSnapshotScene();
});
afterAll(() => scene.close());

/** Also half characters, controls, and what sorts in ways of its own. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: "grapheme", maxLength: 60 }),
  fc
    .array(fc.constantFrom("\ud83d", "\udc00", "\u0000", "\u2028", "é", "e\u0301", "😀", '"', "\\", "\n"), {
      maxLength: 12,
    })
    .map((all) => all.join("")),
  fc.constant(""),
);
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constantFrom(0, -0, 1e21, 1e-7, 5e-324),
);
const time = fc.integer({ min: 0, max: 4e12 });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const parameters = fc.record({ temperature: maybe(number), topP: maybe(number), maxOutputTokens: maybe(number) });
const usage = fc.record({
  inputTokens: maybe(fc.nat()),
  outputTokens: maybe(fc.nat()),
  cachedTokens: maybe(fc.nat()),
  reasoningTokens: maybe(fc.nat()),
  source: fc.constantFrom("provider" as const, "estimated" as const),
  costMicroUsd: maybe(fc.nat()),
});
const run = fc.record({
  model: fc.constantFrom("openai/gpt", "plain", "a/b/c", ""),
  resolvedModel: maybe(text),
  systemFingerprint: maybe(text),
  status: fc.constantFrom(...TERMINAL_RUN_STATUSES),
  finish: maybe(fc.constantFrom(...FINISH_REASONS)),
  failure: maybe(fc.record({ code: fc.constantFrom(...RUN_FAILURE_CODES), retryable: fc.boolean() })),
  frame: fc.nat(),
  usage: maybe(usage),
  parameters,
  queuedAt: time,
  startedAt: maybe(time),
  firstTokenAt: maybe(time),
  endedAt: maybe(time),
  receipt: maybe(fc.string({ maxLength: 30 })),
});
const turns = fc.array(fc.record({ question: text, answer: text, reasoning: text, run: maybe(run), createdAt: time }), {
  minLength: 1,
  maxLength: 6,
});
const conversations = fc.record({
  turns,
  systemPrompt: text,
  model: text,
  settings: parameters,
  random: fc.infiniteStream(fc.nat(255)),
});
type Generated = typeof conversations extends fc.Arbitrary<infer T> ? T : never;

/** Writes it as a device does. */
function write({ turns: all, systemPrompt, model, settings, random }: Generated): Y.Doc {
  const doc = new Y.Doc();
  const conversation = openConversation(doc, "local");
  const bytes = random[Symbol.iterator]();
  let made = 0;
  const nextId = (): string =>
    createUuidV7(1_789_000_000_000 + (made += 1), (length) =>
      Uint8Array.from({ length }, () => Number(bytes.next().value ?? 0)),
    );
  conversation.chooseModel(model);
  conversation.setSystemPrompt(systemPrompt);
  for (const name of ["temperature", "topP", "maxOutputTokens"] as const)
    conversation.setParameter(name, settings[name]);
  let parentId: MessageId | undefined;
  for (const turn of all) {
    const [promptId, answerId] = [nextId() as MessageId, nextId() as MessageId];
    conversation.addPrompt({ id: promptId, parentId, text: turn.question, createdAt: turn.createdAt });
    conversation.restoreMessage({
      id: answerId,
      parentId: promptId,
      role: "assistant",
      text: turn.answer,
      reasoning: turn.reasoning,
      createdAt: turn.createdAt,
      run: turn.run && { ...turn.run, runId: nextId() },
    });
    parentId = answerId;
  }
  return doc;
}

function frozenIn(doc: Y.Doc): FrozenContent {
  const frozen = freezeConversation(openConversation(doc, "reader"), { author: ADA });
  if (!frozen.ok) throw new Error(frozen.failure);
  return frozen.value;
}

test(`the device and the server freeze ${RUNS} conversations to the same ids (seed ${SEED})`, async () => {
  const ids = new Set<string>();
  await fc.assert(
    fc.asyncProperty(conversations, async (generated) => {
      const doc = write(generated);
      const own = frozenIn(doc);
      const id = contentIdOf(own.manifest);
      // What the server has came through the encoding of updates, in which nothing is half a character.
      const copy = new Y.Doc();
      Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
      const theirs = frozenIn(copy);
      expect(contentIdOf(theirs.manifest)).toBe(id);
      // And so did what was sent as JSON.
      const sent = JSON.parse(JSON.stringify(own)) as FrozenContent;
      expect([contentIdOf(sent.manifest), checkFrozen(sent).ok]).toEqual([id, true]);
      // A duplicate frozen again holds the same messages.
      const again = new Y.Doc();
      const origin = { snapshotId: "s", contentId: id };
      thawInto(openConversation(again, "relay"), theirs, origin);
      expect(frozenIn(again)).toEqual({ manifest: { ...theirs.manifest, origin }, messages: theirs.messages });
      ids.add(id);
    }),
    { seed: SEED, numRuns: RUNS },
  );
  expect(ids.size).toBeGreaterThan(RUNS / 2);
}, 180_000);

test(`so they do through the rooms, the store and HTTP (seed ${SEED})`, async () => {
  let compared = 0;
  for (const generated of fc.sample(conversations, { seed: SEED, numRuns: 60 })) {
    const doc = write(generated);
    const own = frozenIn(doc);
    const id = newId() as ConversationId;
    await scene.push(id, doc);
    const taken = await scene.take(id);
    expect(taken.status).toBe(201);
    const answered = (await taken.json()) as FrozenContent & { contentId: string };
    expect([answered.contentId, hashOf(answered.manifest)]).toEqual([
      contentIdOf(own.manifest),
      contentIdOf(own.manifest),
    ]);
    expect(checkFrozen(answered).ok).toBe(true);
    compared += 1;
  }
  expect(compared).toBe(60);
});
