import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import type { CheckedFile } from "#client/session/verifier.ts";
import { MOST_TAGS, NOTE_LENGTH, TAG_LENGTH } from "#shared/domain/snapshot.ts";
import type { SnapshotLabels } from "#shared/domain/snapshot.ts";
import { TITLE_LENGTH } from "#shared/domain/summary.ts";
import type { SnapshotFileMeta } from "#shared/provenance/snapshot-file.ts";
import type { SnapshotFile } from "#shared/provenance/verify-snapshot-file.ts";

/** Largest file that is checked, in bytes: twice what a snapshot of the server's own can be. */
export const MOST_FILE_BYTES = 32 * 1024 * 1024;

/** Of a file before it is read. `size` in bytes. */
interface NamedFile {
  name: string;
  size: number;
}

/** How far the check of a file is. */
export type FileCheck =
  | { type: "none" }
  | { type: "several" }
  | { type: "too-large"; name: string; size: number }
  | { type: "checking"; name: string }
  /** the browser could not read it */
  | { type: "unreadable"; name: string }
  /** what checks could not be loaded */
  | { type: "no-code"; name: string }
  | { type: "judged"; name: string; bytes: Uint8Array; checked: CheckedFile };

/** What is to be done with files that were chosen or dropped. */
export function startOf(files: readonly NamedFile[]): FileCheck {
  const [first, ...rest] = files;
  if (first === undefined) return { type: "none" };
  if (rest.length > 0) return { type: "several" };
  const { name, size } = first;
  return size > MOST_FILE_BYTES ? { type: "too-large", name, size } : { type: "checking", name };
}

/** A file whose content may be shown, and whether anybody but itself vouches for it. */
export function readableOf(check: FileCheck): { file: SnapshotFile; byItself: boolean } | undefined {
  if (check.type !== "judged" || check.checked.verdict.type !== "intact") return undefined;
  const { file, trust } = check.checked.verdict;
  return { file, byItself: trust === "self-claimed" };
}

/** Whether a file can still be held against the keys it brings along: it is whole, and signed by none that are known. */
export const mayCheckByItself = (check: FileCheck): check is Extract<FileCheck, { type: "judged" }> =>
  check.type === "judged" && check.checked.verdict.type === "other-server";

/** The labels of a file, as far as a snapshot may have them. */
export const labelsOf = ({ title, note, tags }: SnapshotFileMeta): SnapshotLabels => ({
  title: title.slice(0, TITLE_LENGTH),
  note: note.slice(0, NOTE_LENGTH),
  tags: [...new Set(tags.map((tag) => tag.slice(0, TAG_LENGTH)))].filter((tag) => tag !== "").slice(0, MOST_TAGS),
});

/** A snapshot that holds the very same, one that is not in the trash before one that is. */
export function sameContent(entries: readonly SnapshotEntry[], contentId: string): SnapshotEntry | undefined {
  const same = entries.filter(({ summary }) => summary.contentId === contentId);
  return same.find(({ summary }) => !summary.deleted) ?? same[0];
}
