import type { LocalDocuments } from "#client/local-store/open-documents.ts";
import type { Snapshots } from "#client/local-store/snapshots.ts";
import type { Runs } from "#client/runs/runs.ts";
import { openWorkspaceSnapshots } from "#client/sync/open-workspace-snapshots.ts";
import type { WorkspaceSnapshotsParts } from "#client/sync/open-workspace-snapshots.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { takeAwaited } from "./awaited-snapshots.ts";

interface AccountSnapshotsParts extends WorkspaceSnapshotsParts {
  me: Me;
  documents: Pick<LocalDocuments, "onOpened">;
  runs: Runs;
}

/** The snapshots of a workspace; those that wait for an answer are taken once it is there. A guest takes none. */
export function openAccountSnapshots(
  { documents, runs, ...parts }: AccountSnapshotsParts,
  signal: AbortSignal,
): Snapshots {
  const snapshots = openWorkspaceSnapshots(parts, signal);
  const { role, accountId } = parts.me;
  if (role !== "guest") takeAwaited(documents, { snapshots, runs, author: accountId }, signal);
  return snapshots;
}
