import { snapshotWords } from "#client/ui/words/snapshot-words.ts";

/** What to do about a snapshot that the server will not have, by the code of its answer. */
export function snapshotRefusal(code: string): string {
  const known: Readonly<Record<string, string>> = snapshotWords.refusals;
  return (Object.hasOwn(known, code) ? known[code] : undefined) ?? snapshotWords.refusals.other;
}
