import type { Locks } from "#client/platform/locks.ts";
import { steadyClock } from "#client/platform/platform.ts";
import type { Platform } from "#client/platform/platform.ts";
import { untilEnded, whenEnded } from "#client/platform/when-ended.ts";
import type { RunEvent } from "#shared/protocol/run-events.ts";
import { readRunLock, runEventsChannel } from "./command-names.ts";
import type { FollowEvent } from "./run-follow-state.ts";
import type { ByteStream } from "./run-requests.ts";
import type { Reading, RunStreams } from "./run-streams.ts";

/** Whoever hears nothing of a run for so long asks the tab that reads it for a sign of life. */
const QUIET_MS = 5_000;
/** The reading tab answers at once; one that does not in so long is frozen, or gone without a word. */
const SILENT_MS = 2_000;
/** A reader that ends tells of it, and gives up its lock: word of the first may come after the second. */
const LAST_WORD_MS = 100;

/** What tabs tell each other of the runs they read. */
type Message =
  /** what is there of it? */
  | { type: "ask"; runId: string }
  /** the whole run up to a frame; nothing where no frame came yet */
  | { type: "whole"; runId: string; snap: RunEvent | undefined }
  | { type: "events"; runId: string; events: readonly RunEvent[] };

export interface SharedStreamsParts {
  platform: Pick<Platform, "clock" | "openBroadcast">;
  locks: Locks;
  /** names whose tabs share: one account in one workspace */
  scope: string;
  /** how this tab reads where no other one does */
  streams: RunStreams;
}

/**
 * Reads runs so that one tab of this browser has the stream of a run, and the others hear from it. The reader holds a
 * Web Lock; when it goes, the next in the queue reads on after what it has. One that is silent, being frozen, is not
 * waited for. Ends with the signal.
 */
export function openSharedStreams(
  { platform, locks, scope, streams }: SharedStreamsParts,
  signal: AbortSignal,
): RunStreams {
  const clock = steadyClock(platform.clock);
  const tabs = platform.openBroadcast(runEventsChannel(scope), signal);
  const post = (message: Message): void => tabs.post(message);
  /** the runs that this tab reads, and whether any other one wants to hear of them */
  const read = new Map<string, Reading & { shared: boolean }>();
  /** those that it hears of */
  const heard = new Map<string, (message: Message) => void>();

  const stop = tabs.onMessage((raw) => {
    // The name of the channel holds the version of what is said on it.
    const message = raw as Message;
    if (message.type === "ask") tell(message.runId);
    else heard.get(message.runId)?.(message);
  });
  whenEnded(signal, stop);

  function tell(runId: string): void {
    const reading = read.get(runId);
    if (reading === undefined) return;
    reading.shared = true;
    post({ type: "whole", runId, snap: wholeOf(reading) });
  }

  /**
   * Reads by a stream of this tab, and passes on what comes.
   * @param shared whether any other tab is known to want to hear of it
   */
  async function readHere(reading: Reading, shared: boolean, by: (reading: Reading) => Promise<void>): Promise<void> {
    const { runId, report } = reading;
    const told = {
      ...reading,
      shared,
      report(event: FollowEvent) {
        // Said before it is taken: what ends a run ends this reading too.
        if (event.type === "received" && told.shared) post({ type: "events", runId, events: event.events });
        report(event);
      },
    };
    read.set(runId, told);
    // Those who heard from the one before go on from here.
    if (shared) tell(runId);
    try {
      await by(told);
    } finally {
      if (read.get(runId) === told) read.delete(runId);
    }
  }

  /**
   * Reports what another tab tells of a run until `until` ends; `onSilence` is called when none tells anything. Answers
   * whether any did.
   */
  function hearOf({ runId, have, report }: Reading, until: AbortSignal, onSilence: () => void): () => boolean {
    let isFollowing = false;
    let stopTimer: (() => void) | undefined;
    const wait = (ms: number, callback: () => void): void => {
      stopTimer?.();
      stopTimer = clock.after(ms, callback);
    };
    function ask(): void {
      wait(SILENT_MS, onSilence);
      post({ type: "ask", runId });
    }
    function onWord(message: Message): void {
      // Without the whole run first there would be a hole between what is here and what is told.
      if (!isFollowing && message.type !== "whole") return;
      if (!isFollowing) report({ type: "opened" });
      isFollowing = true;
      wait(QUIET_MS, ask);
      report({ type: "received", events: newsIn(message, have().frame) });
    }
    heard.set(runId, onWord);
    whenEnded(until, () => {
      stopTimer?.();
      if (heard.get(runId) === onWord) heard.delete(runId);
    });
    ask();
    return () => isFollowing;
  }

  async function readShared(reading: Reading): Promise<void> {
    const listening = new AbortController();
    const silence = new AbortController();
    const hears = hearOf(reading, AbortSignal.any([reading.own, listening.signal]), () => silence.abort());
    const here = async (): Promise<void> => {
      const others = hears();
      if (others) await new Promise<void>((resolve) => void clock.after(LAST_WORD_MS, resolve));
      listening.abort();
      if (!reading.own.aborted) await readHere(reading, others, streams.read);
    };
    try {
      await locks.hold(readRunLock(reading.runId), AbortSignal.any([reading.own, silence.signal]), here);
    } catch (error) {
      if (!silence.signal.aborted || reading.own.aborted) throw error;
      await here();
    }
  }

  /** Another tab may have asked for the run before the answer came that started it: then that one goes on. */
  async function adopt(reading: Reading, stream: ByteStream): Promise<void> {
    const { runId, own } = reading;
    const done = new AbortController();
    const elsewhere = new AbortController();
    const until = AbortSignal.any([own, done.signal]);
    let holds = false;
    const hold = async (): Promise<void> => {
      holds = true;
      await untilEnded(until);
    };
    const held = locks.hold(readRunLock(runId), until, hold).catch(() => undefined); // it is read without as well
    const onWord = (): void => {
      if (!holds) elsewhere.abort();
    };
    heard.set(runId, onWord);
    post({ type: "ask", runId });
    const here: Reading = {
      ...reading,
      own: AbortSignal.any([own, elsewhere.signal]),
      report: (event) => elsewhere.signal.aborted || reading.report(event),
    };
    try {
      await readHere(here, false, (told) => streams.adopt(told, stream));
    } finally {
      if (heard.get(runId) === onWord) heard.delete(runId);
      done.abort();
      await held;
    }
    if (elsewhere.signal.aborted && !own.aborted) await readShared(reading);
  }

  return { read: readShared, adopt };
}

function wholeOf({ have }: Reading): RunEvent | undefined {
  const { frame: seq, text, reasoning, status = "streaming" } = have();
  return seq === 0 ? undefined : { type: "snap", seq, ch: { t: text, r: reasoning }, state: status };
}

/** What a tab that has a run up to a frame is to take of what another one tells. */
function newsIn(message: Message, frame: number): RunEvent[] {
  const told = message.type === "events" ? message.events : message.type === "whole" ? [message.snap] : [];
  return told.flatMap((event) => {
    // That the server goes away is for whoever reads from it: then the next one tries.
    const isNews = event !== undefined && event.type !== "bye" && !(event.type === "snap" && event.seq <= frame);
    return isNews ? [event] : [];
  });
}
