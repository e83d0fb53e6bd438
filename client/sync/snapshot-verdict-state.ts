import type { SettledCommand, SnapshotDeed } from "#client/local-store/snapshot-record.ts";
import type { CommandAnswer } from "./snapshot-requests.ts";

/** What the server's answer means for a command about a snapshot. */
export type SnapshotVerdict =
  | SettledCommand
  | { type: "retry"; atLeastMs: number }
  /** the server has not all of the messages: send them */
  | { type: "with-messages" };

/** Statuses that may change by themselves or by signing in again. Other 4xx are final. */
const RETRIED_4XX: ReadonlySet<number> = new Set([401, 403, 408, 425, 429]);

export function judgeSnapshotAnswer(
  { type }: SnapshotDeed,
  { status, code, retryAfterMs, answered }: CommandAnswer,
): SnapshotVerdict {
  const retry = { type: "retry", atLeastMs: retryAfterMs } as const;
  if (status >= 200 && status < 300) {
    // What the server made of it is in the answer: one that says nothing came from somebody on the way.
    return type === "take" && answered === undefined ? retry : { type: "done", answered };
  }
  if (status < 400 || status >= 500 || RETRIED_4XX.has(status)) return retry;
  return judgeRefusal(type, status, code);
}

function judgeRefusal(type: SnapshotDeed["type"], status: number, code: string | undefined): SnapshotVerdict {
  if (type === "take" && code === "messages_missing") return { type: "with-messages" };
  if (type !== "take" && status === 404) return type === "erase" ? ERASED : { type: "dropped" };
  // It was restored elsewhere, which the feed tells.
  if (type === "erase" && status === 409) return { type: "dropped" };
  return { type: "refused", code: code ?? `http_${status}` };
}

const ERASED: SettledCommand = { type: "done", answered: undefined };
