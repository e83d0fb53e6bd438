import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { createSeededRandom } from "./seeded-random.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { appendAnswer, startAnswer } from "#shared/documents/write-answer.ts";

/** What text is made of: all that has gone wrong somewhere between two encodings. */
const PIECES = [
  "",
  "plain words",
  "ünï\u0301",
  "🎉👩‍👩‍👧",
  "\u{10FFFF}",
  "\uD800",
  "\uDC00 turned \uD83C",
  "שלום \u202E rtl",
  "日本語",
  "\u0000\u0001\u001F",
  "\u2028\u2029",
  "\uFEFF",
  '"quoted" \\ back',
  "line\r\nline\n\ttab",
  "</script>",
  "__proto__",
];

const NUMBERS = [
  0,
  -0,
  0.1 + 0.2,
  1e21,
  1e-7,
  5e-324,
  1.7976931348623157e308,
  4.5,
  2,
  9007199254740991,
  1700000000000.25,
];

/** A conversation with several versions of its turns, as on the device that wrote it: the same for the same seed. */
export function generateConversation(seed: number): Y.Doc {
  const random = createSeededRandom(seed);
  const doc = new Y.Doc();
  doc.clientID = 1 + random.below(2 ** 31);
  const conversation = openConversation(doc, "generated");
  const text = (): string =>
    Array.from({ length: random.below(6) }, () => PIECES[random.below(PIECES.length)]).join(" ");
  conversation.rename(text());
  conversation.setSystemPrompt(text());
  conversation.chooseModel(`provider/${text()}`);
  if (random.next() < 0.5) conversation.setParameter("temperature", random.next() * 2);
  if (random.next() < 0.5) conversation.setParameter("topP", random.next());
  if (random.next() < 0.5) conversation.setParameter("maxOutputTokens", 1 + random.below(1_000_000));
  const ids: (MessageId | undefined)[] = [undefined];
  for (let turns = random.below(12); turns > 0; turns--) {
    const parentId = random.next() < 0.8 ? ids.at(-1) : ids[random.below(ids.length)];
    ids.push(addTurn(conversation, random, { parentId, text }));
  }
  return doc;
}

function addTurn(
  conversation: ConversationDocument,
  random: SeededRandom,
  { parentId, text }: { parentId: MessageId | undefined; text: () => string },
): MessageId {
  const newId = () => createUuidV7(random.below(2 ** 41), random.bytes);
  const promptId = newId() as MessageId;
  const numberOf = (): number => NUMBERS[random.below(NUMBERS.length)] ?? 0;
  conversation.addPrompt({ id: promptId, parentId, text: text(), createdAt: numberOf() });
  if (random.next() < 0.2) return promptId;
  const id = newId() as MessageId;
  const run: RunFacts = {
    runId: newId(),
    model: `provider/${text()}`,
    parameters: random.next() < 0.5 ? {} : { temperature: random.next() },
    status: "streaming",
    frame: 0,
    queuedAt: numberOf(),
  };
  startAnswer(conversation, { id, parentId: promptId, createdAt: numberOf(), run });
  const usage = { source: "provider" as const, inputTokens: random.below(10_000), costMicroUsd: random.below(1_000) };
  appendAnswer(conversation, id, {
    text: text(),
    reasoning: text(),
    run: { ...run, status: "completed", frame: 1, endedAt: numberOf(), ...(random.next() < 0.5 && { usage }) },
  });
  return id;
}
