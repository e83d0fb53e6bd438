import * as z from "zod/mini";
import { changeDeviceNotes } from "#client/local-store/change-device-notes.ts";
import { readDeviceNotes } from "#client/local-store/device-notes.ts";
import type { MoveNote, WipeNote } from "#client/local-store/device-notes.ts";
import { within } from "#client/local-store/remove-database.ts";
import type { Locks } from "#client/platform/locks.ts";
import type { Platform } from "#client/platform/platform.ts";
import { createSmallStorage } from "#client/platform/small-storage.ts";
import { ACCOUNT_HEADER } from "#shared/protocol/account-header.ts";
import { remembered } from "./remembered.ts";
import { sweepDevice } from "./sweep-device.ts";
import { accountOf } from "./wipe-mark.ts";
import type { Sweep, Traces } from "./sweep-device.ts";
import { WIPING_KEY } from "./wipe-mark.ts";

export interface WipeParts {
  platform: Pick<Platform, "clock" | "fetch" | "openBroadcast">;
  locks: Locks;
  traces: Traces;
}

/** What is left to do. */
export interface WipeOutcome {
  /** accounts of which another tab holds a database still, without its content: the next start deletes it */
  held: readonly string[];
  /** whether the server ended the session; before that nothing else may be asked with the browser's cookie */
  told: boolean;
}

const LOCK = "holdfast-wipe";
const ANSWER_MS = 5_000;
/**
 * ms for which each start looks again for what is gone: Chromium writes `localStorage` down up to a minute later, and
 * where it is killed before, all of that is back.
 */
const SETTLED_MS = 10 * 60_000;

/**
 * Takes everything of an account off this device, edits that were never sent among it, and has the server end its
 * session. Needs no network: what cannot be done now is noted, and done by `finishWipe`.
 * @param tellServer false for an account whose session the browser's cookie does not name
 */
export async function wipeDevice(
  parts: WipeParts,
  { accountId, tellServer = true }: { accountId: string; tellServer?: boolean },
  signal: AbortSignal,
): Promise<WipeOutcome> {
  const foundAt = parts.platform.clock.now();
  const { moves } = await readDeviceNotes(parts.platform.clock);
  // A guest whose chats are on their way into this account is nobody else.
  const endedMoves = moves.filter(({ to }) => accountOf(to) === accountId);
  const guests = endedMoves.map(({ from }) => ({ accountId: accountOf(from), tellServer: false, foundAt }));
  const wipe: WipeNote = { accountId, tellServer, foundAt, signedOut: tellServer };
  await keepWipes(parts, { kept: [wipe, ...guests], endedMoves });
  return await finishWipe(parts, signal);
}

/** Does, as far as that is possible now, what is left of any wipe. Safe to repeat, in several tabs at once too. */
export async function finishWipe(parts: WipeParts, signal: AbortSignal): Promise<WipeOutcome> {
  return await parts.locks.hold(LOCK, signal, async () => {
    const wipes = await readWipes(parts);
    if (wipes.length === 0) return { held: [], told: true };
    const [swept, told] = await Promise.all([
      sweepDevice(parts, new Set(wipes.map(({ accountId }) => accountId)), signal),
      Promise.all(wipes.map(async (wipe) => !wipe.tellServer || (await endSession(parts, wipe.accountId, signal)))),
    ]);
    const now = parts.platform.clock.now();
    const next = wipes.map((wipe, at) => nextWipe(now, wipe, swept, told[at] === true));
    await keepWipes(parts, {
      kept: next.filter((wipe) => wipe !== undefined),
      done: wipes.filter((_, at) => next[at] === undefined),
    });
    return { held: swept.held, told: told.every(Boolean) };
  });
}

/** What stays noted of a wipe: nothing once a later look found nothing, and nothing can come back. */
function nextWipe(now: number, wipe: WipeNote, { found, held }: Sweep, told: boolean): WipeNote | undefined {
  const next = { ...wipe, tellServer: !told, foundAt: found ? now : wipe.foundAt };
  const isOver = told && !held.includes(wipe.accountId) && now - next.foundAt >= SETTLED_MS;
  return isOver ? undefined : next;
}

/** Notes that somebody signed in again to an account that had left. Answers whether it may be opened now. */
export async function letReturn(parts: WipeParts, accountId: string, signal: AbortSignal): Promise<boolean> {
  return await parts.locks.hold(LOCK, signal, async () => {
    const wipes = await readWipes(parts);
    const done = wipes.filter((wipe) => wipe.accountId === accountId);
    const kept = wipes.filter((wipe) => wipe.accountId !== accountId);
    return done.length === 0 || (await keepWipes(parts, { kept, done }));
  });
}

const wipeSchema = z.object({
  accountId: z.string(),
  tellServer: z.boolean(),
  foundAt: z.number(),
  signedOut: z.optional(z.boolean()),
});
const wipesSchema = z.array(wipeSchema);

async function readWipes({ platform, traces }: WipeParts): Promise<WipeNote[]> {
  const { wipes } = await readDeviceNotes(platform.clock);
  const local = remembered(createSmallStorage(traces.localStorage), WIPING_KEY, wipesSchema).read() ?? [];
  return [...new Map([...local, ...wipes].map((wipe) => [wipe.accountId, wipe])).values()];
}

interface WipeChange {
  kept: readonly WipeNote[];
  done?: readonly WipeNote[];
  endedMoves?: readonly MoveNote[];
}

/** Answers whether it is noted for good. */
async function keepWipes({ traces }: WipeParts, { kept, done = [], endedMoves = [] }: WipeChange): Promise<boolean> {
  const isNoted = await changeDeviceNotes((notes) => {
    for (const wipe of kept) void notes.objectStore("wipes").put(wipe);
    for (const { accountId } of done) void notes.objectStore("wipes").delete(accountId);
    for (const { from } of endedMoves) void notes.objectStore("moves").delete(from);
  });
  try {
    // A disk that is full, or a browser without databases: better noted there than not at all.
    if (isNoted) traces.localStorage().removeItem(WIPING_KEY);
    else traces.localStorage().setItem(WIPING_KEY, JSON.stringify(kept));
  } catch {
    // Refused: then it is done now, or by whoever presses the button again.
  }
  return isNoted;
}

/** Has the session end that the cookie names, which no script can remove. Answers whether it has. */
async function endSession({ platform }: WipeParts, accountId: string, signal: AbortSignal): Promise<boolean> {
  const headers = { [ACCOUNT_HEADER]: accountId };
  const asked = platform.fetch("/api/auth/sign-out", { method: "POST", headers, signal });
  const answer = await within(ANSWER_MS, platform.clock, asked);
  // 401: the cookie is nobody's by now, or another account's. Anything else may be a gate's on the way.
  return answer?.status === 204 || answer?.status === 401;
}
