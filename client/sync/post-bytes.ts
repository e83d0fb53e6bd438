import type { Platform } from "#client/platform/platform.ts";
import { BULK_TYPE } from "#shared/protocol/bulk-sync.ts";

/** A request without a whole answer for this long is given up, in ms. */
const WHOLE_ANSWER_MS = 60_000;

export type BytesAnswer =
  | { type: "bytes"; bytes: Uint8Array }
  /** the server does not know this address: it is older than the app */
  | { type: "unsupported" }
  /** the session does not let us in now */
  | { type: "unauthenticated" }
  /** no network, or, where the server was `reached`, an answer that says to come back */
  | { type: "failed"; reached: boolean };

/** Posts one body of bulk sync. Never rejects. */
export async function postBytes(
  { fetch, clock }: Pick<Platform, "fetch" | "clock">,
  path: string,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<BytesAnswer> {
  const own = new AbortController();
  const stopTimer = clock.after(WHOLE_ANSWER_MS, () => own.abort());
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": BULK_TYPE },
      body: body.slice(),
      cache: "no-store",
      signal: AbortSignal.any([signal, own.signal]),
    });
    if (response.ok) return { type: "bytes", bytes: new Uint8Array(await response.arrayBuffer()) };
    await response.body?.cancel();
    return answerOf(response.status);
  } catch {
    return { type: "failed", reached: false }; // asked again later
  } finally {
    stopTimer();
  }
}

function answerOf(status: number): BytesAnswer {
  if (status === 404) return { type: "unsupported" };
  return status === 401 || status === 403 ? { type: "unauthenticated" } : { type: "failed", reached: true };
}
