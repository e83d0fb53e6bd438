import type { SnapshotEntry, SnapshotState } from "#client/local-store/snapshots.ts";
import { saveFile } from "#client/platform/save-file.ts";
import type { ExportFormat, MadeFile, MakeFailure, SignedFailure } from "#client/session/export-one.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import type { FileChoice } from "#client/ui/use-saving.ts";
import { exportChoiceWords } from "#client/ui/words/export-choice-words.ts";
import { marksOf } from "./marks-of.ts";
import { useOnline } from "./use-online.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";

const FORMATS = ["markdown", "json", "html"] as const satisfies readonly ExportFormat[];

/** The forms in which a snapshot can be saved: three that are made here, and the one that the server signs. */
export function useExportChoices({ summary, state }: SnapshotEntry): FileChoice[] {
  const { snapshots, account, verifier } = useWorkspace();
  const online = useOnline();
  const { formats } = exportChoiceWords;
  const here = FORMATS.map((format) => ({
    ...formats[format],
    hindrance: undefined,
    save: async () => {
      const [{ makeSnapshotFile }, { exportWords: words }] = await loadMaking();
      return savedFile(
        await makeSnapshotFile(snapshots, {
          summary,
          format,
          words,
          marksOf: (content) => marksOf(verifier, content),
        }),
      );
    },
  }));
  const signed = {
    ...formats.signed,
    hindrance: signingHindrance(state, online),
    save: async () => {
      const [{ fetchSignedFile }, { exportWords: words }] = await loadMaking();
      return savedFile(await fetchSignedFile(account.fetch, summary, words));
    },
  };
  return [...here, signed];
}

/** What turns text into files is large, and fetched when it is wanted. */
const loadMaking = () =>
  Promise.all([import("#client/session/export-one.ts"), import("#client/ui/words/export-words.ts")]);

function savedFile(made: Result<MadeFile, MakeFailure | SignedFailure>): Result<string> {
  if (!made.ok) return err(exportChoiceWords.failures[made.failure]);
  saveFile(made.value.name, made.value.content);
  return ok(made.value.name);
}

/** Why the server signs nothing now. */
export function signingHindrance({ type }: SnapshotState, online: boolean): string | undefined {
  const { hindrances } = exportChoiceWords;
  switch (type) {
    case "refused":
      return hindrances.refused;
    case "pending":
      return hindrances.unsealed;
    case "sealed":
    case "changing":
    case "change-refused":
      return online ? undefined : hindrances.offline;
  }
}
