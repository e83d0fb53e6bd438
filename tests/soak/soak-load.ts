import { createUuidV7 } from "#shared/lib/uuid.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import { runSnapshotSchema } from "#shared/protocol/run-bodies.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import type { NodeDevice } from "#tests/support/node-device.ts";
import type { SeededRandom } from "#tests/support/seeded-random.ts";
import { wait } from "#tests/support/waiting.ts";

export interface SoakLoadOptions {
  serverUrl: string;
  random: SeededRandom;
  /** how many devices write, each in a conversation of its own */
  typists: number;
  guests: number;
  runsAMinute: number;
  /** how long a device stays in one conversation before it begins a new one, on average */
  conversationMs: number;
  /** ends the load */
  signal: AbortSignal;
}

export interface SoakLoad {
  /** ms from an edit to its acknowledgement, of all edits since this was last asked */
  takeAckMs(): number[];
  readonly counts: { edits: number; conversations: number; reloads: number; runs: number; readersGone: number };
  /** what went wrong, in words */
  readonly failures: readonly string[];
  /** Resolves when everything of the load has left. */
  ended: Promise<void>;
}

/** How far apart the keystrokes of one device are. */
const KEY_MS = 1000;
/** An edit that waits longer than this has failed for whoever made it. */
const ACK_LIMIT_MS = 15_000;
const STRANGER_EVERY_MS = 10_000;

/** One device with its conversation, as long as it lasts. */
interface Typing {
  guest: Guest;
  conversationId: string;
  device: NodeDevice;
  lastAnswer: MessageId | undefined;
}

/** Guests who type, reload, ask, read along and leave, and strangers who look in. */
export async function openSoakLoad(options: SoakLoadOptions): Promise<SoakLoad> {
  const { serverUrl, random, signal } = options;
  const guests = await Promise.all(Array.from({ length: options.guests }, () => signInGuest(serverUrl)));
  const counts = { edits: 0, conversations: 0, reloads: 0, runs: 0, readersGone: 0 };
  const failures: string[] = [];
  const readers = new Set<Promise<void>>();
  let ackMs: number[] = [];
  let runsDue = 0;
  const newId = (): string => createUuidV7(Date.now(), random.bytes);
  /** a time around `ms`: half of it to one and a half */
  const around = (ms: number): number => ms / 2 + random.below(ms);
  const note = (what: string, error: unknown): void => {
    if (!signal.aborted) failures.push(`${what}: ${String(error)}`);
  };

  const open = (guest: Guest, conversationId: string): NodeDevice =>
    openNodeDevice(serverUrl, guest.cookie, `conversation.${conversationId}.0`);

  async function acknowledged(device: NodeDevice, token: number): Promise<void> {
    const madeAt = performance.now();
    counts.edits += 1;
    const late = new AbortController();
    const settled = device.until(() => device.settled() >= token).then(() => "settled" as const);
    const first = await Promise.race([settled, wait(ACK_LIMIT_MS, AbortSignal.any([late.signal, signal]))]);
    late.abort();
    if (first === "settled") ackMs.push(performance.now() - madeAt);
    else if (!signal.aborted) failures.push(`an edit was not acknowledged in ${ACK_LIMIT_MS} ms`);
  }

  async function typeAWhile({ device }: Typing): Promise<void> {
    const acks: Promise<void>[] = [];
    for (let key = random.below(16); key > 0 && !signal.aborted; key--) {
      const token = device.edit(({ draft }) => {
        if (draft.length > 400) draft.delete(0, 300);
        draft.insert(draft.length, "words ");
      });
      acks.push(acknowledged(device, token));
      await wait(around(KEY_MS), signal);
    }
    await Promise.all(acks);
  }

  /** Asks something, and reads the answer to its end beside others who leave in the middle. */
  async function ask(typing: Typing): Promise<void> {
    const { guest, conversationId, device } = typing;
    const [prompt, messageId, runId] = [newId() as MessageId, newId() as MessageId, newId()];
    const message = { id: prompt, parentId: typing.lastAnswer, text: "What is a tide?", createdAt: Date.now() };
    await acknowledged(
      device,
      device.edit((chat) => chat.addPrompt(message)),
    );
    const body = { conversationId, parentMessageId: prompt, messageId, model: "openai/scripted-1", parameters: {} };
    const started = await guest.fetch(`/api/runs/${runId}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal,
    });
    if (started.status !== 201) throw new Error(`a run was answered ${started.status} ${await started.text()}`);
    for (let left = random.below(3); left > 0; left--) readALittle(guest, runId);
    const events = await guest.fetch(`/api/runs/${runId}/events`, {
      headers: { accept: "text/event-stream" },
      signal,
    });
    await events.text();
    const { state } = runSnapshotSchema.parse(await (await guest.fetch(`/api/runs/${runId}`, { signal })).json());
    if (state !== "completed") throw new Error(`a run ended as ${state}`);
    typing.lastAnswer = messageId;
    counts.runs += 1;
  }

  /** A follower who leaves before the end. */
  function readALittle(guest: Guest, runId: string): void {
    const leaving = new AbortController();
    const reading = (async () => {
      const gone = wait(200 + random.below(1200), signal).then(() => leaving.abort());
      const path = `/api/runs/${runId}/events`;
      await guest
        .fetch(path, { headers: { accept: "text/event-stream" }, signal: leaving.signal })
        .then((events) => events.text())
        .catch((error: unknown) => {
          if (!leaving.signal.aborted) note("a reader", error);
        });
      await gone;
      counts.readersGone += 1;
    })();
    readers.add(reading);
    void reading.finally(() => readers.delete(reading));
  }

  async function liveInOneConversation(guest: Guest, lifetimeMs: number): Promise<void> {
    const conversationId = newId();
    const typing: Typing = { guest, conversationId, device: open(guest, conversationId), lastAnswer: undefined };
    counts.conversations += 1;
    const until = performance.now() + lifetimeMs;
    while (!signal.aborted && performance.now() < until) {
      await typeAWhile(typing);
      if (runsDue > 0 && !signal.aborted) {
        runsDue -= 1;
        await ask(typing).catch((error: unknown) => note("asking", error));
      }
      await wait(around(20_000), signal);
      if (random.below(5) === 0 && !signal.aborted) {
        typing.device.close();
        typing.device = open(guest, conversationId);
        counts.reloads += 1;
      }
      failures.push(...typing.device.refused());
    }
    typing.device.close();
  }

  async function typist(index: number): Promise<void> {
    const guest = guests[index % guests.length]!;
    await wait(random.below(5000), signal);
    // Not everybody begins a new conversation at once.
    let lifetimeMs = random.below(options.conversationMs);
    while (!signal.aborted) {
      await liveInOneConversation(guest, lifetimeMs);
      lifetimeMs = around(options.conversationMs);
    }
  }

  async function strangers(): Promise<void> {
    for (;;) {
      await wait(STRANGER_EVERY_MS, signal);
      if (signal.aborted) return;
      const looked = signInGuest(serverUrl).then((stranger) => stranger.fetch("/api/sync/feed", { signal }));
      await looked.then((response) => response.text()).catch((error: unknown) => note("a stranger", error));
    }
  }

  async function payRuns(): Promise<void> {
    for (;;) {
      await wait(60_000 / options.runsAMinute, signal);
      if (signal.aborted) return;
      runsDue += 1;
    }
  }

  const everybody = [...Array.from({ length: options.typists }, (_, index) => typist(index)), strangers(), payRuns()];
  return {
    counts,
    failures,
    takeAckMs() {
      const taken = ackMs;
      ackMs = [];
      return taken;
    },
    ended: Promise.all(everybody).then(async () => void (await Promise.all(readers))),
  };
}
