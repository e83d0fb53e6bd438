import * as z from "zod/mini";
import type { RunCommand } from "#client/local-store/run-command.ts";
import type { RunCommandStore } from "#client/local-store/run-command-store.ts";
import type { Locks } from "#client/platform/locks.ts";
import { steadyClock } from "#client/platform/platform.ts";
import type { Platform } from "#client/platform/platform.ts";
import { runCommandsChannel, runCommandsLock } from "./command-names.ts";
import type { ParentSettled } from "./parent-settled.ts";
import { TAB_WORDS, deliveryOf, judgeAnswer, newOutbox, nextOutbox, outboxDeadline } from "./run-outbox-state.ts";
import type { OutboxEffect, OutboxEvent, TabWord, Verdict } from "./run-outbox-state.ts";
import { putRun, readRun } from "./run-requests.ts";
import type { ByteStream } from "./run-requests.ts";
import type { Delivery } from "./runs.ts";

/** Says nothing about the command. */
const NO_NETWORK: Verdict = { type: "retry", atLeastMs: 0 };
/** A start without headers for this long is made again: the server itself waits at most 5 s for the prompt. */
const ANSWER_MS = 35_000;
/** So long a person who takes a prompt back waits to hear whether it is too late. */
const ASKED_MS = 10_000;
/** After a wake-up a request this old is not trusted to be alive. */
const STALE_MS = 6000;

/** What tabs tell each other: that the stored commands changed, or how far one of them is. */
const tabMessageSchema = z.union([
  z.literal("changed"),
  z.object({ runId: z.string(), says: z.enum(TAB_WORDS), code: z.optional(z.string()) }),
]);

export interface RunDeliveryParts {
  platform: Pick<Platform, "clock" | "random" | "fetch" | "connectivity" | "openBroadcast">;
  locks: Locks;
  commands: RunCommandStore;
  parentSettled: ParentSettled;
  /** whether the conversation of a command is deleted, as far as this device knows */
  deleted(command: RunCommand, signal: AbortSignal): Promise<boolean>;
  /** names the account and workspace, for what the tabs tell each other */
  scope: string;
  /** the server has the run, by this tab or another one; with the events it answered this one at once */
  onStarted(runId: string, stream: ByteStream | undefined): void;
  /** makes sure that a run which may have been sent does not go on */
  stop(runId: string): void;
  onChange(): void;
}

export interface RunDelivery {
  /** false until it was read which commands this device has to deliver */
  loaded(): boolean;
  delivery(runId: string): Delivery | undefined;
  /** Whether a command that was not delivered yet will write this message. */
  plans(messageId: string): boolean;
  /** whether any command is still to be delivered; a refused one is not */
  waits(): boolean;
  deliver(command: RunCommand): void;
  cancel(runId: string): Promise<boolean>;
}

/** Delivers stored run commands: carries out what `nextOutbox` decides. Ends with the signal. */
export function openRunDelivery(parts: RunDeliveryParts, signal: AbortSignal): RunDelivery {
  const { platform, commands, locks } = parts;
  const clock = steadyClock(platform.clock);
  let state = newOutbox(platform.connectivity.online());
  const underWay = new Map<string, AbortController>();
  const tabs = platform.openBroadcast(runCommandsChannel(parts.scope), signal);
  let cancelTimer: (() => void) | undefined;
  let storedHere = 0;
  let loaded = false;

  function dispatch(event: OutboxEvent): void {
    if (signal.aborted) return;
    const before = state;
    const step = nextOutbox(state, event, {
      now: clock.now(),
      wall: platform.clock.now(),
      random: platform.random(),
    });
    state = step.state;
    for (const effect of step.effects) carryOut(effect);
    cancelTimer?.();
    const due = outboxDeadline(state);
    cancelTimer = due === undefined ? undefined : clock.after(due - clock.now(), () => dispatch({ type: "tick" }));
    if (state !== before) parts.onChange();
  }

  function carryOut(effect: OutboxEffect): void {
    switch (effect.type) {
      case "watch-parent":
        return watchParent(effect.command);
      case "send":
        return send(effect.command);
      case "abort":
        underWay.get(effect.runId)?.abort();
        underWay.delete(effect.runId);
        return;
      case "remove":
        // A row that cannot be removed is delivered again after a reload, which has no second effect.
        commands.remove(effect.runId).then(
          () => tabs.post("changed"),
          () => undefined,
        );
        return;
    }
  }

  /** Runs work that `abort` or the end of the page stops. */
  function start(runId: string, work: (own: AbortSignal) => Promise<void>): void {
    const controller = new AbortController();
    underWay.set(runId, controller);
    void work(AbortSignal.any([signal, controller.signal])).finally(() => {
      if (underWay.get(runId) === controller) underWay.delete(runId);
    });
  }

  const watchParent = (command: RunCommand): void =>
    start(command.runId, async (own) => {
      await parts.parentSettled(command, own);
      if (!own.aborted) dispatch({ type: "unblocked", runId: command.runId });
    });

  const send = (command: RunCommand): void =>
    start(command.runId, async (own) => {
      const { runId } = command;
      const verdict = await attempt(command, own);
      if (!own.aborted) dispatch({ type: "judged", runId, verdict });
    });

  /** One tab at a time per conversation; whoever comes second finds the command gone. */
  async function attempt(command: RunCommand, own: AbortSignal): Promise<Verdict> {
    try {
      return await locks.hold(runCommandsLock(command.conversationId), own, async () => {
        const stored = await commands.list();
        if (!stored.some(({ runId }) => runId === command.runId)) return { type: "elsewhere" };
        if (await parts.deleted(command, own)) return { type: "deleted" };
        tell(command.runId, "sending");
        const verdict = await put(command, own).catch(() => NO_NETWORK);
        tellVerdict(command.runId, verdict);
        return verdict;
      });
    } catch {
      return NO_NETWORK; // there was no lock: as little as no network does it say anything about the command
    }
  }

  const tell = (runId: string, says: TabWord, code?: string): void => tabs.post({ runId, says, code });

  function tellVerdict(runId: string, verdict: Verdict): void {
    if (verdict.type === "started") tell(runId, "started");
    if (verdict.type === "refused") tell(runId, "refused", verdict.code);
    if (verdict.type === "retry") tell(runId, "waiting");
  }

  function onTabMessage(raw: unknown): void {
    const message = tabMessageSchema.safeParse(raw);
    if (!message.success) return; // of a tab with another version
    if (message.data === "changed") return readStoreAgain();
    const { runId, says, code } = message.data;
    const known = state.planned.has(runId);
    dispatch({ type: "heard", runId, says, code });
    if (known && says === "started") parts.onStarted(runId, undefined);
  }

  async function put(command: RunCommand, own: AbortSignal): Promise<Verdict> {
    const request = new AbortController();
    const giveUp = (): void => request.abort();
    const stopTimer = clock.after(ANSWER_MS, giveUp);
    const since = clock.now();
    const stopWatching = platform.connectivity.onWake(() => {
      if (clock.now() - since > STALE_MS) giveUp();
    });
    own.addEventListener("abort", giveUp, { once: true });
    try {
      const { status, code, retryAfterMs, stream } = await putRun(platform.fetch, command, request.signal);
      const verdict = judgeAnswer(status, code, retryAfterMs);
      if (verdict.type === "started" && !own.aborted) {
        parts.onStarted(command.runId, stream);
        // Still under the lock, so that the next tab finds it gone; a row that stays is delivered again without effect.
        await commands.remove(command.runId).catch(() => undefined);
      }
      return verdict;
    } finally {
      stopTimer();
      stopWatching();
      own.removeEventListener("abort", giveUp); // from here on the stream belongs to its follower
    }
  }

  async function readStore(): Promise<void> {
    const before = storedHere;
    const stored = await commands.list();
    // A command stored meanwhile may be missing from this list, which must not read as "settled elsewhere".
    if (before !== storedHere) return await readStore();
    dispatch({ type: "stored", commands: stored, complete: true });
  }
  /** A store that cannot be read has no commands to deliver; what it holds is read at the next wake-up. */
  const readStoreAgain = (): void =>
    void readStore()
      .catch(() => undefined)
      .finally(() => {
        const first = !loaded;
        loaded = true;
        if (first && !signal.aborted) parts.onChange();
      });

  const stops = [
    commands.onAdded((command) => {
      storedHere++;
      dispatch({ type: "stored", commands: [command], complete: false });
      tabs.post("changed");
    }),
    tabs.onMessage(onTabMessage),
    platform.connectivity.onWake(() => {
      if (platform.connectivity.online()) dispatch({ type: "wake" });
      readStoreAgain();
    }),
    platform.connectivity.onOffline(() => dispatch({ type: "offline" })),
  ];
  signal.addEventListener(
    "abort",
    () => {
      for (const stop of stops) stop();
      cancelTimer?.();
    },
    { once: true },
  );
  readStoreAgain();

  /** Whether the server has the run already; `undefined` when it cannot be asked. */
  async function serverHas(runId: string): Promise<boolean | undefined> {
    if (!platform.connectivity.online()) return undefined;
    const request = new AbortController();
    const stopTimer = clock.after(ASKED_MS, () => request.abort());
    try {
      const answer = await readRun(platform.fetch, runId, AbortSignal.any([signal, request.signal]));
      if ("snapshot" in answer) return true;
      return answer.status === 404 ? false : undefined;
    } catch {
      return undefined;
    } finally {
      stopTimer();
    }
  }

  return {
    loaded: () => loaded,
    delivery: (runId) => deliveryOf(state, runId),
    plans: (messageId) =>
      [...state.planned.values()].some(
        ({ command, phase }) => command.messageId === messageId && phase.type !== "refused",
      ),
    waits: () => [...state.planned.values()].some(({ phase }) => phase.type !== "refused"),
    deliver(command) {
      dispatch({ type: "made", command });
      readStoreAgain();
    },
    async cancel(runId) {
      const one = state.planned.get(runId);
      if (!one) return false;
      dispatch({ type: "withdrawn", runId });
      if (one.phase.type === "refused") return true;
      const there = await serverHas(runId);
      if (there === true) {
        parts.onStarted(runId, undefined);
        return false;
      }
      // A start that left this device, now, from another tab or before a reload, meets the stop and never begins.
      parts.stop(runId);
      return true;
    },
  };
}
