import type { Cookie } from "@playwright/test";
import type { ConversationId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { BULK_TYPE, encodePush, parsePushAnswers } from "#shared/protocol/bulk-sync.ts";
import type { Guest } from "#tests/support/guest.ts";

// What the benchmarks of many documents share: documents on the server, and a browser that is their owner's.

/** How many documents one request takes. */
const AT_ONCE = 100;
const COOKIE_SECONDS = 86_400;

export const newId = (): string => createUuidV7(Date.now(), (length) => crypto.getRandomValues(new Uint8Array(length)));

/** The middle one of some figures. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** Brings edits to the server, and makes sure that it took them. */
export async function pushDocuments(
  guest: Guest,
  edits: readonly { id: ConversationId; update: Uint8Array }[],
): Promise<void> {
  for (let from = 0; from < edits.length; from += AT_ONCE) {
    const some = edits.slice(from, from + AT_ONCE).map((edit) => ({ ...edit, epoch: 0 }));
    const body = encodePush(some).slice();
    const headers = { "content-type": BULK_TYPE };
    const response = await guest.fetch("/api/sync/push", { method: "POST", headers, body });
    const answers = parsePushAnswers(new Uint8Array(await response.arrayBuffer()));
    if (!answers.ok || answers.value.some(({ type }) => type !== "acknowledged")) throw new Error("not taken");
  }
}

/** A guest's cookies, as a browser takes them. */
export const cookiesOf = (guest: Guest, url: string): Pick<Cookie, "name" | "value" | "expires">[] =>
  guest.cookie.split("; ").map((pair) => {
    const [name = "", value = ""] = pair.split(/=(.*)/su);
    return { name, value, url, expires: Date.now() / 1000 + COOKIE_SECONDS };
  });
