import { readDeviceNotes } from "#client/local-store/device-notes.ts";
import { openLocalStore } from "#client/local-store/open-local-store.ts";
import { deliverStored } from "#client/runs/deliver-stored.ts";
import { databaseNames } from "./sweep-device.ts";
import { accountOf } from "./wipe-mark.ts";
import { noteWipe } from "./wipe-device.ts";
import type { WipeParts } from "./wipe-device.ts";

/**
 * Sends what waits here of accounts that are signed in on a device that is shared now, whose data is to leave it. What
 * cannot be sent stays until it can. Answers whether the data of any of them may go now.
 */
export async function sendBeforeWipe(parts: WipeParts, signal: AbortSignal): Promise<boolean> {
  const { wipes } = await readDeviceNotes(parts.platform.clock);
  let mayGo = false;
  for (const wipe of wipes.filter(({ sendFirst }) => sendFirst)) {
    const names = (await databaseNames(parts.traces.localStorage)).filter((name) => accountOf(name) === wipe.accountId);
    const sent = await Promise.all(names.map((name) => sendAll(parts, name, signal)));
    if (sent.includes(false)) continue;
    await noteWipe(parts, { ...wipe, sendFirst: false }, signal);
    mayGo = true;
  }
  return mayGo;
}

/** Answers whether the server has all there is in this database. */
async function sendAll({ platform, locks }: WipeParts, name: string, signal: AbortSignal): Promise<boolean> {
  const [, accountId = "", workspaceId = ""] = name.split(":");
  const store = openLocalStore(name, platform.clock);
  const isAllSent = async (): Promise<boolean> => {
    const [outbox, commands] = await Promise.all([store.outbox(), store.commands()]);
    // Another start may read it.
    if (!outbox.ok || !commands.ok) return false;
    return outbox.value.rows.size === 0 && outbox.value.setAside.size === 0 && commands.value.length === 0;
  };
  try {
    if (await isAllSent()) return true;
    await deliverStored({ ...platform, locks }, { accountId, workspaceId }, signal);
    return await isAllSent();
  } finally {
    store.close();
  }
}
