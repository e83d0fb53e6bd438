import { setMaxListeners } from "node:events";
import type { Log } from "#server/observability/log.ts";
import { MailFailure } from "./mailer.ts";
import type { Mail, Mailer } from "./mailer.ts";

/** How many mails may wait, those that are tried again among them. */
const LONGEST = 500;
const AT_ONCE = 2;
/** By then the answer to the request has left, so its time does not tell whether a mail was written. */
const START_AFTER_MS = 250;
/** Servers that turn away whoever they don't know yet take the mail after five minutes, seldom later. */
const RETRY_AFTER_MS = [5_000, 60_000, 300_000];
const CLOSE_WITHIN_MS = 5_000;

export interface MailQueue {
  /** Takes a mail to send soon. Never throws and never waits, so a request is no slower for it and cannot fail. */
  send(mail: Mail): void;
  /** Takes no more, tries what waits once more, at most for 5 s, and closes the mailer. */
  close(): Promise<void>;
}

export interface MailQueueParts {
  log: Log;
  /** resolves after `ms`, or as soon as the signal aborts */
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Sends mails behind the back of requests, two at a time, and tries three times more where it failed for the moment.
 * What waits is kept in memory and lost with the process: people can ask for their link again. Logs what failed by
 * its kind and code, never an address, a link or the mail server's words.
 */
export function createMailQueue(mailer: Mailer, { log, wait }: MailQueueParts): MailQueue {
  const held = new Set<Promise<void>>();
  const inTurn = createLanes(AT_ONCE);
  const closing = new AbortController();
  setMaxListeners(LONGEST, closing.signal);
  let state: "open" | "closing" | "closed" = "open";

  async function deliver(mail: Mail): Promise<void> {
    await wait(START_AFTER_MS, closing.signal);
    for (const retryAfterMs of [...RETRY_AFTER_MS, undefined]) {
      const failure = await inTurn(() => attempt(mailer, mail));
      if (!failure || state === "closed") return;
      const { code } = failure;
      if (failure.again === "never" || retryAfterMs === undefined || state === "closing")
        return log.error({ mail: mail.kind, code }, "a mail was not sent");
      log.warn({ mail: mail.kind, code, retryAfterMs }, "a mail was not sent yet");
      await wait(retryAfterMs, closing.signal);
    }
  }

  return {
    send(mail) {
      const refusal = state !== "open" ? "queue-closed" : held.size >= LONGEST ? "queue-full" : undefined;
      if (refusal) return log.error({ mail: mail.kind, code: refusal }, "a mail was not sent");
      const delivery: Promise<void> = deliver(mail).finally(() => held.delete(delivery));
      held.add(delivery);
    },
    async close() {
      state = "closing";
      closing.abort();
      const done = new AbortController();
      await Promise.race([Promise.all(held).then(() => done.abort()), wait(CLOSE_WITHIN_MS, done.signal)]);
      state = "closed";
      if (held.size > 0) log.error({ mails: held.size }, "mails were not sent: the server stops");
      await mailer.close();
    },
  };
}

/** Answers why it failed. Anything but a `MailFailure` is a bug, of which only the name is sure to hold no address. */
async function attempt(mailer: Mailer, mail: Mail): Promise<MailFailure | undefined> {
  try {
    await mailer.send(mail);
  } catch (error) {
    if (error instanceof MailFailure) return error;
    return new MailFailure(error instanceof Error ? error.name : typeof error, "never");
  }
}

/** Runs so many at once; the others wait for their turn. */
function createLanes(count: number): <T>(run: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = count;

  return async (run) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((go) => waiting.push(go));
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
