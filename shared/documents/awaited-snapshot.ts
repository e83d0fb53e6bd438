import type { FrozenSettings } from "#shared/domain/frozen-content.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";
import { clampParameters } from "#shared/domain/parameters.ts";
import type { ConversationDocument } from "./conversation.ts";
import { plainRecord } from "./message-map.ts";

// Kept in `meta` of the conversation whose run it is; apart from the rest, which every page loads.

const PREFIX = "awaited:";

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

/** Snapshots that are to be taken when their runs have ended. */
export const awaitedSnapshots = ({ doc }: ConversationDocument): AwaitedSnapshot[] =>
  [...doc.getMap("meta").entries()].flatMap(([key, value]) =>
    key.startsWith(PREFIX) ? (readAwaited(key.slice(PREFIX.length), value) ?? []) : [],
  );

/** Notes a snapshot that is to be taken. */
export function awaitSnapshot({ doc, together }: ConversationDocument, { runId, ...awaited }: AwaitedSnapshot): void {
  together(() => void doc.getMap("meta").set(PREFIX + runId, plainRecord(awaited)));
}

/** It was taken, or will never be. */
export function forgetAwaited({ doc, together }: ConversationDocument, runId: string): void {
  if (doc.getMap("meta").has(PREFIX + runId)) together(() => doc.getMap("meta").delete(PREFIX + runId));
}

/** Reads what is kept in a document; `undefined` where it is of another shape. */
function readAwaited(runId: string, value: unknown): AwaitedSnapshot | undefined {
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
