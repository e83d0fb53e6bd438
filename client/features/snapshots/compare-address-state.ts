import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { parseSnapshotId } from "#shared/domain/ids.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";

/** Stands for the conversation as it is now. */
export const LIVE = "live";
/** One of two that are compared. */
export type ComparedRef = SnapshotId | typeof LIVE;

const COMPARE = /^\/compare\/([0-9a-f-]{36})\/([0-9a-f-]{36}|live)$/;

/** The two that an address asks to compare; the left one is a snapshot, whose conversation `live` means. */
export function comparedOf(path: string): { left: SnapshotId; right: ComparedRef } | undefined {
  const [, first = "", second = ""] = COMPARE.exec(path) ?? [];
  const left = parseSnapshotId(first);
  const right = second === LIVE ? LIVE : parseSnapshotId(second);
  return left && right ? { left, right } : undefined;
}

/** What is chosen with one more, or without it where it was chosen; of three the first goes. */
export const withChosen = (chosen: readonly ComparedRef[], ref: ComparedRef): ComparedRef[] =>
  chosen.includes(ref) ? chosen.filter((one) => one !== ref) : [...chosen, ref].slice(-2);

/** Where two that were chosen are compared, the older one left; `undefined` unless there are two. */
export function compareAddress(chosen: readonly ComparedRef[], versions: readonly SnapshotEntry[]): string | undefined {
  if (chosen.length !== 2) return undefined;
  const numberOf = (ref: ComparedRef): number =>
    ref === LIVE ? Infinity : (versions.find(({ summary }) => summary.id === ref)?.summary.number ?? 0);
  const [left, right] = chosen.toSorted((a, b) => numberOf(a) - numberOf(b));
  return left === undefined || left === LIVE ? undefined : `/compare/${left}/${right}`;
}
