/** How long what a build left behind is still served after another build took its place, in ms. */
export const KEPT_MS = 7 * 24 * 60 * 60 * 1000;

/** When each file was last part of the build that ran, in ms since 1970; `null` while it is part of it. */
export type ArchiveIndex = Readonly<Record<string, number | null>>;

/** The index at the start of a build, and which files are to be deleted. */
export interface ArchiveTurn {
  index: ArchiveIndex;
  expired: readonly string[];
}

/**
 * What becomes of the kept files when a server starts. A file is counted as current until the first start of a build
 * without it, so that time in which no server ran takes nothing away.
 * @param known what an earlier start wrote down
 * @param stored the files that are there; one that nobody wrote down counts as just left behind
 * @param current the files of the build that starts
 */
export function nextArchive(
  known: ArchiveIndex,
  stored: readonly string[],
  current: readonly string[],
  now: number,
): ArchiveTurn {
  const kept = new Map<string, number | null>(current.map((name) => [name, null]));
  const expired: string[] = [];
  for (const name of stored) {
    if (kept.has(name)) continue;
    const leftAt = known[name] ?? now;
    if (isKept(leftAt, now)) kept.set(name, leftAt);
    else expired.push(name);
  }
  return { index: Object.fromEntries(kept), expired };
}

/** Whether a file that was left behind at a time is still to be served. A clock set back takes nothing away. */
export const isKept = (leftAt: number, now: number): boolean => now - leftAt <= KEPT_MS;
