import { readDeviceNotes } from "#client/local-store/device-notes.ts";
import { localStoreName } from "#client/local-store/open-local-store.ts";
import { askMe } from "#client/platform/ask-me.ts";
import type { Asker } from "#client/platform/fetch-as.ts";
import { deliverStored } from "#client/runs/deliver-stored.ts";
import type { DeliveryPlatform } from "#client/runs/deliver-stored.ts";

/**
 * Does what a page does when the network is back, with `fetch` and IndexedDB alone: pushes the edits that wait on this
 * device, starts the runs that wait in their order, and pulls what is new. Pages that are open hear of it. Whoever the
 * session names is whose data is looked at; without one, nothing is touched.
 * @returns whether nothing is left that trying again could bring further
 */
export async function deliverEverything(browser: DeliveryPlatform, signal: AbortSignal): Promise<boolean> {
  // The cookie of somebody who signed out is good for nothing any more.
  if ((await readDeviceNotes()).wipes.some(({ tellServer }) => tellServer)) return true;
  const asked = await askMe(browser.fetch, signal);
  if (asked.type !== "me") return asked.type === "nobody";
  const { me } = asked;
  // Nothing is kept there; what was before it was shared, the next start of a page sends.
  if (me.sharedDevice) return true;
  const done: boolean[] = [];
  for (const workspaceId of await workspacesHere(me))
    done.push(await deliverStored(browser, { ...me, workspaceId }, signal));
  return done.every(Boolean);
}

/** The workspaces of which an account has something on this device; older browsers tell of the personal one alone. */
async function workspacesHere({ accountId, workspaceId }: Asker): Promise<ReadonlySet<string>> {
  const listed = await indexedDB.databases?.().catch(() => []);
  const prefix = localStoreName(accountId, "");
  const names = (listed ?? []).flatMap(({ name }) => (name?.startsWith(prefix) ? name.slice(prefix.length) : []));
  return new Set([workspaceId, ...names]);
}
