import type { FrozenSettings } from "#shared/domain/frozen-content.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";
import { clampParameters } from "#shared/domain/parameters.ts";
import { plainRecord } from "./message-map.ts";

/** A snapshot that is to be taken when a run has ended: the same inputs as another one's, answered anew. */
export interface AwaitedSnapshot {
  runId: string;
  /** made when the run was planned, so that whoever takes it, and however often, it is one */
  snapshotId: SnapshotId;
  /** the snapshot whose inputs they are */
  of: SnapshotId;
  title: string;
  /** what it is answered with; the chat's own settings stay as they are */
  settings: FrozenSettings;
}

/** As it is kept in a document. */
export const awaitedRecord = ({ runId: _runId, ...awaited }: AwaitedSnapshot): Record<string, unknown> =>
  plainRecord(awaited);

/** Reads what is kept in a document; `undefined` where it is of another shape. */
export function readAwaited(runId: string, value: unknown): AwaitedSnapshot | undefined {
  if (value === null || typeof value !== "object") return undefined;
  const { snapshotId, of, title, settings } = value as Record<string, unknown>;
  if (typeof snapshotId !== "string" || typeof of !== "string" || typeof title !== "string") return undefined;
  if (settings === null || typeof settings !== "object") return undefined;
  const { model, systemPrompt, parameters } = settings as Record<string, unknown>;
  if (typeof model !== "string" || typeof systemPrompt !== "string") return undefined;
  const known = parameters !== null && typeof parameters === "object" ? (parameters as Record<string, unknown>) : {};
  return {
    runId,
    snapshotId: snapshotId as SnapshotId,
    of: of as SnapshotId,
    title,
    settings: { model, systemPrompt, parameters: clampParameters(known) },
  };
}
