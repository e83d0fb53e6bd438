import type { FinishReason } from "#shared/domain/run.ts";
import { watchCall } from "./call-watch.ts";
import type { Clock } from "./clock.ts";
import type { ProviderFailure } from "./failure-classes.ts";
import type { ChatMessage } from "#shared/domain/prompt.ts";
import type { ProviderPart, ServedModel } from "./provider.ts";
import type { RunTimers } from "./run-timers.ts";
import type { ReportedUsage } from "./usage-count.ts";

/** How a call ended. */
export interface CallEnd {
  /** `[DONE]` was seen, or the end of an answer that had said it was finished */
  closed: boolean;
  failure: ProviderFailure | undefined;
  reported: ReportedUsage | undefined;
}

export interface CallOptions {
  served: ServedModel;
  messages: readonly ChatMessage[];
  parameters: Parameters<ServedModel["provider"]["call"]>[0]["parameters"];
  clock: Clock;
  timers: RunTimers;
  onText(channel: "t" | "r", text: string): void;
  onModel(model: string): void;
  onFingerprint(fingerprint: string): void;
  onFinish(finish: FinishReason): void;
  onSilence(ms: number): void;
  /** a line of the stream was skipped */
  onUnreadable(): void;
  onBug(error: unknown): void;
  /** Called between batches: answers whether to go on reading (the log has room). */
  mayRead(): Promise<boolean> | true;
}

export interface ProviderCall {
  /** Aborts at the provider. With a failure, that is how the call ends. */
  abort(failure?: ProviderFailure): void;
  readonly ended: Promise<CallEnd>;
  /** the counts the provider has sent so far */
  readonly reported: ReportedUsage | undefined;
}

/** Makes one call of a provider and reads it to its end, under the timers. Never rejects. */
export function openProviderCall(options: CallOptions): ProviderCall {
  const controller = new AbortController();
  const seen: {
    closed: boolean;
    finished: boolean;
    failure: ProviderFailure | undefined;
    reported: ReportedUsage | undefined;
  } = { closed: false, finished: false, failure: undefined, reported: undefined };
  // Our own reason, not the exception that an abort makes, says why a call ended.
  let ownFailure: ProviderFailure | undefined;

  const abort = (failure?: ProviderFailure): void => {
    if (controller.signal.aborted) return;
    ownFailure = failure;
    controller.abort();
  };
  const { kind } = options.served.provider;
  const watch = watchCall({
    clock: options.clock,
    timers: options.timers,
    local: kind === "local",
    onSilence: options.onSilence,
    giveUp: abort,
  });

  function take(part: ProviderPart): void {
    switch (part.type) {
      case "open":
        return watch.opened();
      case "alive":
        return watch.alive();
      case "model":
        return options.onModel(part.model);
      case "fingerprint":
        return options.onFingerprint(part.fingerprint);
      case "text":
      case "reasoning":
        watch.content(part.type);
        return options.onText(part.type === "text" ? "t" : "r", part.text);
      case "finish":
        seen.finished = true;
        watch.finished();
        return options.onFinish(part.finish);
      case "usage":
        seen.reported = part.usage;
        return;
      case "done":
        seen.closed = true;
        return;
      // No sign of life: a provider that sends nothing else is not answering.
      case "unreadable":
        return options.onUnreadable();
      case "failed":
        seen.failure = part.failure;
        return;
    }
  }

  async function read(): Promise<void> {
    const request = { model: options.served.name, messages: options.messages, parameters: options.parameters };
    for await (const batch of options.served.provider.call(request, controller.signal)) {
      for (const part of batch) {
        if (controller.signal.aborted || seen.closed || seen.failure) return;
        take(part);
      }
      if (controller.signal.aborted || seen.closed || seen.failure) return;
      const room = options.mayRead();
      if (room !== true && !(await room)) return abort({ class: "log" });
    }
  }

  async function run(): Promise<CallEnd> {
    try {
      await read();
    } catch (error) {
      options.onBug(error);
      seen.failure = { class: "internal" };
    }
    watch.close();
    controller.abort();
    // Once the model has said that it is done, losing the rest of the connection loses nothing.
    const harmless = seen.finished && (seen.failure?.class === "cut" || seen.failure?.class === "connect");
    const failure = ownFailure ?? (harmless ? undefined : seen.failure);
    return { closed: seen.closed, failure, reported: seen.reported };
  }

  return {
    abort,
    ended: run(),
    get reported() {
      return seen.reported;
    },
  };
}
