import { useState } from "react";
import { navigate } from "wouter/use-browser-location";
import { useWorkspace } from "#client/session/workspace.ts";
import { useAnnounce } from "#client/ui/announcer.tsx";
import { Button } from "#client/ui/button.tsx";
import { Link } from "#client/ui/link.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { provenanceWords } from "#client/ui/words/provenance-words.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { contentIdOf } from "#shared/domain/frozen-content.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { SnapshotFile } from "#shared/provenance/verify-snapshot-file.ts";
import "#client/ui/form.css";
import { titleOf } from "./snapshot-title.ts";
import { labelsOf, sameContent } from "./verify-file-state.ts";

const text = provenanceWords.page;

/** Makes a snapshot of a file again; where there is one that holds the same, the way to it. */
export function ImportFile({ file: { meta, content } }: { file: SnapshotFile }) {
  const { snapshots, newId } = useWorkspace();
  const [importing, setImporting] = useState(false);
  const [failed, setFailed] = useState(false);
  const announce = useAnnounce();
  const entries = useWatched(snapshots, () => snapshots.entries());
  const loaded = useWatched(snapshots, () => snapshots.loaded());
  const same = sameContent(entries, contentIdOf(content.manifest));
  if (same && !importing) {
    const { id, number, deleted } = same.summary;
    return (
      <p>
        {deleted ? text.hereDeleted : text.here}{" "}
        <Link href={`/snapshots/${id}`} dir="auto">
          {titleOf(same.summary)} ({snapshotWords.number(number)})
        </Link>
      </p>
    );
  }
  const run = async (): Promise<void> => {
    setImporting(true);
    setFailed(false);
    // Its own chat is not here, and its number was given by another series: it begins one.
    const taken = {
      conversationId: newId() as ConversationId,
      content,
      source: "file" as const,
      ...labelsOf(meta),
    };
    try {
      const id = await snapshots.take(taken);
      announce(text.imported);
      navigate(`/snapshots/${id}`);
    } catch (thrown) {
      setFailed(true);
      throw thrown;
    } finally {
      setImporting(false);
    }
  };
  return (
    <>
      <Button look="primary" disabled={!loaded || importing} onClick={() => void run()}>
        {text.import}
      </Button>
      <span className="form-hint">{text.importAbout}</span>
      {failed && (
        <p className="form-failed" role="alert">
          {snapshotWords.take.failed}
        </p>
      )}
    </>
  );
}
