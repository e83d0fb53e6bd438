import * as z from "zod/mini";
import { changeDeviceNotes } from "#client/local-store/change-device-notes.ts";
import { readDeviceNotes } from "#client/local-store/device-notes.ts";
import type { MoveNote } from "#client/local-store/device-notes.ts";
import type { StoreFailure } from "#client/local-store/local-store.ts";
import { moveLibrary } from "#client/local-store/move-library.ts";
import { localStoreName } from "#client/local-store/open-local-store.ts";
import { createSmallStorage } from "#client/platform/small-storage.ts";
import type { SmallStorage } from "#client/platform/small-storage.ts";
import type { Result } from "#shared/lib/result.ts";
import { meSchema } from "#shared/protocol/http-bodies.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { remembered } from "./remembered.ts";
import { finishWipe } from "./wipe-device.ts";
import type { WipeOutcome, WipeParts } from "./wipe-device.ts";

type Owner = Pick<Me, "accountId" | "workspaceId">;

/**
 * Takes what is on this device along when a guest signs in to an account, once the server owned their chats to it. The
 * guest's own databases and texts leave the device. What fails, or is cut off, is done by `finishDevice` at the next start.
 */
export async function moveIn(
  parts: WipeParts,
  { from, to }: { from: Owner; to: Owner },
  signal: AbortSignal,
): Promise<Result<number, StoreFailure>> {
  await noteMoving(from, to);
  return await finishMove(parts, { from: nameOf(from), to: nameOf(to) }, signal);
}

/** Notes for the next start that what is here of a guest is to be taken along. Answers whether that is on the disk. */
export const noteMoving = (from: Owner, to: Owner): Promise<boolean> =>
  changeDeviceNotes((notes) => {
    void notes.objectStore("moves").put({ from: nameOf(from), to: nameOf(to) });
    // Whoever left this device a short while ago is back, and what comes along must stay.
    void notes.objectStore("wipes").delete(to.accountId);
  });

/** Finishes everything that a page began here and that must be over before an account is opened. */
export async function finishDevice(parts: WipeParts, signal: AbortSignal): Promise<WipeOutcome> {
  const outcome = await finishWipe(parts, signal);
  const { moves } = await readDeviceNotes(parts.platform.clock);
  // One that fails again, for want of room say, is there to be tried the next time.
  for (const note of moves) await finishMove(parts, note, signal);
  return outcome;
}

async function finishMove(parts: WipeParts, note: MoveNote, signal: AbortSignal): Promise<ReturnType<typeof moveIn>> {
  const moved = await moveLibrary(parts, note, signal);
  if (!moved.ok) return moved;
  const guest = ownerOf(note.from);
  moveTexts(createSmallStorage(parts.traces.localStorage), guest, ownerOf(note.to));
  const foundAt = parts.platform.clock.now();
  await changeDeviceNotes((notes) => {
    void notes.objectStore("wipes").put({ accountId: guest.accountId, tellServer: false, foundAt });
    void notes.objectStore("moves").delete(note.from);
  });
  await finishWipe(parts, signal);
  return moved;
}

const nameOf = ({ accountId, workspaceId }: Owner): string => localStoreName(accountId, workspaceId);

function ownerOf(name: string): Owner {
  const [, accountId = "", workspaceId = ""] = name.split(":");
  return { accountId, workspaceId };
}

const runIds = z.array(z.string());

/** What is kept beside the database: who is here, the chat behind `/`, and runs that are still to be stopped. */
function moveTexts(storage: SmallStorage, from: Owner, to: Owner): void {
  const me = remembered(storage, "holdfast.me", meSchema);
  if (me.read()?.accountId === from.accountId) me.write({ ...to, kind: "account" });
  const stopsOf = ({ accountId, workspaceId }: Owner) =>
    remembered(storage, `holdfast.run-stops.${accountId}-${workspaceId}`, runIds);
  const stops = stopsOf(from).read() ?? [];
  if (stops.length > 0) stopsOf(to).write([...new Set([...(stopsOf(to).read() ?? []), ...stops])]);
  const newChatOf = ({ accountId, workspaceId }: Owner): string => `holdfast.new-chat.${accountId}.${workspaceId}`;
  const newChat = storage.read(newChatOf(from));
  if (newChat !== undefined && storage.read(newChatOf(to)) === undefined) storage.write(newChatOf(to), newChat);
}
