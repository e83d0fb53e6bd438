import { nothing } from "./clock.ts";
import type { Clock } from "./clock.ts";
import type { ProviderFailure } from "./failure-classes.ts";
import type { RunTimers } from "./run-timers.ts";

/** Silence is looked for this many times per period: exact to a quarter, with four timers instead of one per token. */
const LOOKS = 4;

export interface CallWatch {
  opened(): void;
  /** a keep-alive or reasoning: somebody is there, but there is no text yet */
  alive(): void;
  /** text or reasoning came */
  content(kind: "text" | "reasoning"): void;
  /** the model has said that it is done */
  finished(): void;
  close(): void;
}

interface WatchOptions {
  clock: Clock;
  timers: RunTimers;
  local: boolean;
  onSilence(ms: number): void;
  /** Gives up the call. `undefined`: nothing is wrong, the rest is just not worth waiting for. */
  giveUp(failure: ProviderFailure | undefined): void;
}

/**
 * The timers of one call. Only one limit is in force at a time: for the headers, then for the first text
 * (stretched by signs of life), then for silence between texts (which comments never reset), then for the
 * end after the model has finished.
 */
export function watchCall({ clock, timers, local, onSilence, giveUp }: WatchOptions): CallWatch {
  let cancelLimit = nothing;
  let phase: "headers" | "first-text" | "text" | "finished" | "closed" = "headers";

  function limit(ms: number, failure: ProviderFailure | undefined): void {
    cancelLimit();
    cancelLimit = clock.after(ms, () => giveUp(failure));
  }

  /** Calls back after `ms` without a touch. */
  function silence(ms: number, callback: () => void) {
    let quiet = 0;
    let cancel = nothing;
    const look = (): void => {
      cancel = clock.after(ms / LOOKS, () => {
        quiet += 1;
        if (quiet >= LOOKS) callback();
        if (quiet < LOOKS) look();
      });
    };
    look();
    return {
      touch() {
        if (quiet >= LOOKS) look();
        quiet = 0;
      },
      cancel: () => cancel(),
    };
  }

  let notice: ReturnType<typeof silence> | undefined;
  let firstText: ReturnType<typeof silence> | undefined;
  let idle: ReturnType<typeof silence> | undefined;

  const stalled: ProviderFailure = { class: "stall" };
  limit(local ? timers.firstByteLocal : timers.firstByte, { class: "no_headers" });

  return {
    opened() {
      if (phase !== "headers") return;
      phase = "first-text";
      limit(timers.firstContentStretched, stalled);
      firstText = silence(timers.firstContent, () => giveUp(stalled));
      notice = silence(timers.stallNotice, () => onSilence(timers.stallNotice));
    },
    alive() {
      firstText?.touch();
    },
    content(kind) {
      notice?.touch();
      if (phase === "first-text" && kind === "reasoning") firstText?.touch();
      if (phase === "first-text" && kind === "text") {
        phase = "text";
        cancelLimit();
        firstText?.cancel();
        idle = silence(timers.contentIdle, () => giveUp(stalled));
      }
      idle?.touch();
    },
    finished() {
      if (phase === "finished" || phase === "closed") return;
      phase = "finished";
      idle?.cancel();
      firstText?.cancel();
      notice?.cancel();
      limit(timers.afterFinish, undefined);
    },
    close() {
      phase = "closed";
      cancelLimit();
      notice?.cancel();
      firstText?.cancel();
      idle?.cancel();
    },
  };
}
