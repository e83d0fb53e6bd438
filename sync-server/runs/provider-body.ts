import type { Dispatcher } from "undici";
import { nothing } from "./clock.ts";

/** Whoever reads a body. Called as bytes come; nobody is waited for. */
export interface BodyReader {
  data(bytes: Uint8Array): void;
  /** Nothing more comes. Called once, also after `discard`. */
  ended(whole: boolean): void;
}

export type ProviderBody = ReturnType<typeof createProviderBody>;

/** How long the end of an answer that has said all may take, so that its connection serves the next one. */
const LAST_BYTES_MS = 1000;

class Left extends Error {
  constructor() {
    super("The answer is not wanted any more");
    this.name = "Left";
  }
}

/**
 * The body of one answer, from the request on. It cannot be told to wait: undici throws out of a socket's event, which
 * ends the process, where the other side closes while a response without keep-alive is paused (nodejs/undici#5360),
 * and whether it is kept alive is not told to us in all cases. Whoever reads bounds what waits, and discards the rest.
 *
 * @param signal aborts the request, and later the body
 */
export function createProviderBody(signal: AbortSignal | undefined) {
  let controller: Dispatcher.DispatchController | undefined;
  let reader: BodyReader | undefined;
  /** what came with the headers, before anybody read; one read of the socket at most */
  let early: Uint8Array[] = [];
  let end: boolean | undefined;

  const discard = (): void => controller?.abort(new Left());
  let forgetSignal = nothing;
  if (signal) {
    signal.addEventListener("abort", discard, { once: true });
    forgetSignal = () => signal.removeEventListener("abort", discard);
  }

  return {
    begin(of: Dispatcher.DispatchController): void {
      controller = of;
      if (signal?.aborted) discard();
    },
    take(bytes: Uint8Array): void {
      if (reader === undefined) early.push(bytes);
      else reader.data(bytes);
    },
    end(whole: boolean): void {
      if (end !== undefined) return;
      end = whole;
      forgetSignal();
      reader?.ended(whole);
    },
    /** Hands over what is there and what comes. */
    read(by: BodyReader): void {
      reader = by;
      for (const bytes of early) by.data(bytes);
      early = [];
      if (end !== undefined) by.ended(end);
    },
    /** Leaves the rest unread and closes the connection. */
    discard,
    /** Reads the little that may follow an answer that has said all, and keeps the connection where that is soon. */
    leave(): void {
      if (end !== undefined) return;
      forgetSignal();
      const late = setTimeout(discard, LAST_BYTES_MS);
      reader = { data: nothing, ended: () => clearTimeout(late) };
    },
  };
}
