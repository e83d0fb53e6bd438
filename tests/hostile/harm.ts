import * as Y from "yjs";
import { createLiveDocument } from "#server/rooms/live-document.ts";
import { TookTooLong } from "#server/rooms/integration-watch.ts";
import { ImpossiblePlace } from "#server/rooms/placement-check.ts";
import { checkUpdate } from "#server/rooms/update-check.ts";
import { VICTIM, difference, textOf } from "./attacked-room.ts";
import { shrink } from "./update-mutation.ts";

/** The document before an update, and who is bound to which clientID in it. */
export interface Before {
  state: Uint8Array;
  bindings: ReadonlyMap<number, string>;
  typed: string;
}

/** What only integrating an update can show, and is found out there. */
const isForeseen = (error: unknown): boolean => error instanceof ImpossiblePlace || error instanceof TookTooLong;

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** What an update does to the victim that it must not; `undefined` where it is refused or harmless. Pure. */
export function harmOf({ state, bindings, typed }: Before, actor: string, update: Uint8Array): string | undefined {
  const live = createLiveDocument(1, [state]);
  if (live === undefined) return "the state before is not whole";
  if (!checkUpdate(live.doc, bindings, actor, update).ok) return undefined;
  const applied = live.apply(update);
  if (applied.type === "broken")
    return isForeseen(applied.error) ? undefined : `taken, then: ${stackOf(applied.error)}`;
  const victim = new Y.Doc();
  Y.applyUpdate(victim, state);
  victim.clientID = VICTIM;
  if (applied.type === "changed") Y.applyUpdate(victim, applied.bytes);
  if (victim.clientID !== VICTIM) return "somebody wrote under the victim's clientID";
  if (textOf(live.doc, VICTIM) !== typed) return "the victim's words are not what was typed";
  return difference(live.doc, victim);
}

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** One line that names the smallest update that still does harm, or the whole one where no single one does. */
export function describeHarm(before: Before, actor: string, suspects: readonly Uint8Array[]): string {
  for (const update of suspects) {
    const harm = harmOf(before, actor, update);
    if (harm === undefined) continue;
    const small = shrink(update, (candidate) => harmOf(before, actor, candidate) === harm);
    return `${harm}: update ${base64(small)} on state ${base64(before.state)}`;
  }
  return `no single one of these: ${suspects.map(base64).join(" ")}`;
}
