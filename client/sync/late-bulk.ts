import type { Bulk, BulkParts, openBulk } from "./bulk.ts";

/** How to get at `openBulk`: no first paint waits for its code. */
export type LoadBulk = () => Promise<typeof openBulk>;

/** Bulk sync, whose code is fetched when it is first asked for anything, and again where it could not be. */
export function openLateBulk(load: LoadBulk, parts: BulkParts, signal: AbortSignal): Bulk {
  let opening: Promise<Bulk | undefined> | undefined;
  const open = (): Promise<Bulk | undefined> =>
    (opening ??= load().then(
      (openNow) => openNow(parts, signal),
      () => (opening = undefined),
    ));
  return {
    pull: async (ending, told) => (await open())?.pull(ending, told) ?? "done",
    // A socket carries the edits. A piece of code that is missing says nothing of the network.
    push: async (ids, most) => (await open())?.push(ids, most) ?? { type: "failed", reached: undefined },
  };
}
