import { deleteSnapshotQuerySchema, snapshotsQuerySchema } from "#shared/protocol/snapshot-bodies.ts";
import { BODY, CHANGES, SIGNED_IN } from "./operation-problems.ts";
import type { Operation } from "./operation.ts";
import {
  CHANGE_EXAMPLE,
  DUPLICATE_EXAMPLE,
  FILE_EXAMPLE,
  SERIES_EXAMPLE,
  SNAPSHOT_EXAMPLE,
  SUMMARY_EXAMPLE,
  TAKE_EXAMPLE,
} from "./snapshot-examples.ts";

const SNAPSHOT = { json: "Snapshot" } as const;
const SNAPSHOT_TARGET = { kind: "document", param: "id" } as const;

/** The routes of snapshots. */
export const SNAPSHOT_OPERATIONS: readonly Operation[] = [
  {
    method: "post",
    path: "/api/snapshots",
    summary:
      "Freeze the shown branch of a conversation, or exactly what a manifest names; the same id again changes nothing",
    action: "snapshot.create",
    body: { schema: "TakeSnapshot" },
    answers: {
      200: { description: "The snapshot was there", ...SNAPSHOT },
      201: { description: "The snapshot is taken", ...SNAPSHOT },
    },
    problems: [
      ...SIGNED_IN,
      ...CHANGES,
      ...BODY,
      "gone",
      "snapshot_id_reused",
      "nothing_to_freeze",
      "answer_unfinished",
      "messages_missing",
      "content_differs",
      "cannot_freeze",
    ],
    examples: { body: TAKE_EXAMPLE, answer: SNAPSHOT_EXAMPLE },
  },
  {
    method: "get",
    path: "/api/snapshots",
    summary: "The snapshots of the caller, newest first; those in the trash only with `deleted=true`",
    action: "library.read",
    query: snapshotsQuerySchema,
    answers: { 200: { description: "Some of them, and where to go on", json: "Snapshots" } },
    problems: [...SIGNED_IN, "invalid_query"],
    examples: { answer: { snapshots: [SUMMARY_EXAMPLE], cursor: "MTc4OTAwMDA2MDAwMC4wMTk5NWEzZQ" } },
  },
  {
    method: "post",
    path: "/api/snapshots/messages",
    summary: "The frozen messages of many conversations, after a place of each; about 4 MB at a time",
    action: "library.read",
    limit: "sync",
    body: { schema: "WantedMessages" },
    answers: { 200: { description: "As many as fit, in order of what was wanted", json: "FrozenMessages" } },
    problems: [...SIGNED_IN, ...CHANGES, ...BODY],
    examples: SERIES_EXAMPLE,
  },
  {
    method: "get",
    path: "/api/snapshots/:id",
    summary: "A snapshot with all that was frozen",
    action: "snapshot.read",
    answers: { 200: { description: "The snapshot", ...SNAPSHOT } },
    problems: [...SIGNED_IN, "not_found"],
    examples: { answer: SNAPSHOT_EXAMPLE },
  },
  {
    method: "get",
    path: "/api/snapshots/:id/file",
    summary: "A snapshot as a signed file, which anybody can verify without this server",
    action: "snapshot.read",
    audit: { action: "snapshot.export", target: SNAPSHOT_TARGET },
    answers: { 200: { description: "The lines of the file: see docs/snapshot-file.md", json: "SnapshotFile" } },
    problems: [...SIGNED_IN, "not_found"],
    examples: { answer: FILE_EXAMPLE },
  },
  {
    method: "patch",
    path: "/api/snapshots/:id",
    summary: "Change the title, note or tags of a snapshot, or take it out of the trash",
    action: "snapshot.change",
    audit: { action: "snapshot.restore", onlyAsTold: true, target: SNAPSHOT_TARGET },
    body: { schema: "ChangeSnapshot" },
    answers: { 200: { description: "The snapshot as it is now", ...SNAPSHOT } },
    problems: [...SIGNED_IN, ...CHANGES, ...BODY, "not_found"],
    examples: { body: CHANGE_EXAMPLE, answer: { ...SNAPSHOT_EXAMPLE, ...CHANGE_EXAMPLE } },
  },
  {
    method: "delete",
    path: "/api/snapshots/:id",
    summary: "Put a snapshot into the trash; with `erase=true`, erase one that is there, for good",
    action: "snapshot.erase",
    audit: { action: "snapshot.delete", onlyAsTold: true, target: SNAPSHOT_TARGET },
    query: deleteSnapshotQuerySchema,
    answers: { 204: { description: "It is in the trash, or erased" } },
    problems: [...SIGNED_IN, ...CHANGES, "not_found", "not_deleted", "invalid_query"],
  },
  {
    method: "post",
    path: "/api/snapshots/:id/duplicate",
    summary: "Make a new conversation of a snapshot; the same conversation id again changes nothing",
    action: "snapshot.duplicate",
    body: { schema: "DuplicateSnapshot" },
    answers: {
      200: { description: "The conversation was there", json: "Duplicated" },
      201: { description: "The conversation is made", json: "Duplicated" },
    },
    problems: [...SIGNED_IN, ...CHANGES, ...BODY, "not_found", "gone", "conversation_id_reused"],
    examples: DUPLICATE_EXAMPLE,
  },
];
