import { formatDateTime } from "#client/ui/words/format-date.ts";
import { provenanceWords } from "#client/ui/words/provenance-words.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import type { SnapshotFileMeta } from "#shared/provenance/snapshot-file.ts";
import { Facts } from "./facts.tsx";

const text = provenanceWords.page;

/** What a file says of the snapshot beside what was frozen. */
export function FileFacts({ meta: { title, note, tags, number, createdAt, server } }: { meta: SnapshotFileMeta }) {
  const lines: [string, string][] = [
    [text.snapshot, `${title || snapshotWords.untitled} (${text.number(number)})`],
    [text.taken, Number.isNaN(new Date(createdAt).getTime()) ? "?" : formatDateTime(createdAt)],
    [text.server, server || provenanceWords.file.unnamedServer],
    ...(tags.length > 0 ? [[text.tags, tags.join(", ")] as [string, string]] : []),
    ...(note === "" ? [] : [[text.note, note] as [string, string]]),
  ];
  return (
    <section className="file-facts" aria-label={text.facts}>
      <Facts lines={lines} />
    </section>
  );
}
