import { feedQuerySchema } from "#shared/protocol/http-bodies.ts";
import { runEventsQuerySchema } from "#shared/protocol/run-bodies.ts";
import type { ProblemCode } from "#shared/protocol/problem.ts";
import { ACCOUNT_OPERATIONS } from "./account-operations.ts";
import { BODY, CHANGES, SIGNED_IN } from "./operation-problems.ts";
import type { Operation } from "./operation.ts";
import { SIGN_IN_OPERATIONS } from "./sign-in-operations.ts";
import { SNAPSHOT_OPERATIONS } from "./snapshot-operations.ts";

const BYTES = ["invalid_body", "body_too_large", "unsupported_media_type"] as const;
/** A run that has too many readers, and one that has no writer here. */
const FOLLOWING = ["too_many_followers", "draining", "overloaded"] as const;

const SNAPSHOT = { json: "RunSnapshot" } as const;

/**
 * Every route of the app, with who may call it. A route that is not here answers nobody: the guard looks each request up.
 */
export const OPERATIONS: readonly Operation[] = [
  ...ACCOUNT_OPERATIONS,
  ...SIGN_IN_OPERATIONS,
  {
    method: "post",
    path: "/share",
    summary: "Go to the page that takes shared text (a form with title, text, url) into a draft; stores nothing",
    action: "anybody",
    answers: { 303: { description: "The page, with the text in its fragment" } },
    problems: ["body_too_large", "unsupported_media_type"],
  },
  {
    method: "get",
    path: "/api/openapi.json",
    summary: "This document",
    action: "anybody",
    answers: { 200: { description: "An OpenAPI document" } },
    problems: [],
  },
  {
    method: "get",
    path: "/api/me",
    summary: "Who is calling",
    action: "self.read",
    answers: { 200: { description: "The account of the session", json: "Me" } },
    problems: [...SIGNED_IN],
  },
  {
    method: "get",
    path: "/api/sync/feed",
    summary: "The documents of the caller that changed after a cursor",
    action: "library.read",
    limit: "sync",
    query: feedQuerySchema,
    answers: { 200: { description: "Each changed document once, in order of change", json: "Feed" } },
    problems: [...SIGNED_IN, "invalid_query"],
  },
  {
    method: "post",
    path: "/api/sync/pull",
    summary: "What the caller lacks of many documents, by what they have of each",
    action: "document.read",
    limit: "sync",
    body: { bytes: "`Wanted[]` of `shared/protocol/bulk-sync.ts`, at most 200" },
    answers: { 200: { description: "An answer for each, in order", bytes: "`Pulled[]`" } },
    problems: [...SIGNED_IN, ...CHANGES, ...BYTES],
  },
  {
    method: "post",
    path: "/api/sync/push",
    summary:
      "Take edits of many documents as a socket would; each answer comes once they are durable or were not taken",
    action: "document.write",
    limit: "sync",
    body: { bytes: "`Pushed[]` of `shared/protocol/bulk-sync.ts`, at most 200" },
    answers: { 200: { description: "An answer for each, in order", bytes: "`PushAnswer[]`" } },
    problems: [...SIGNED_IN, ...CHANGES, ...BYTES],
  },
  {
    method: "delete",
    path: "/api/conversations/:id",
    summary: "Erase a conversation that is in the trash, for good; erasing it again changes nothing",
    action: "document.erase",
    answers: { 204: { description: "Everything in it is erased" } },
    problems: [...SIGNED_IN, ...CHANGES, "not_found", "not_deleted"],
  },
  ...SNAPSHOT_OPERATIONS,
  {
    method: "put",
    path: "/api/runs/:id",
    summary: "Start a run, or answer again for one that was started; with `Accept: text/event-stream`, follow it",
    action: "run.start",
    limit: "run",
    body: { schema: "StartRun" },
    answers: {
      200: { description: "The run was there", stream: true, ...SNAPSHOT },
      201: { description: "The run is accepted", stream: true, ...SNAPSHOT },
    },
    problems: [
      ...SIGNED_IN,
      ...CHANGES,
      ...BODY,
      ...FOLLOWING,
      "not_found",
      "parent_missing",
      "run_id_reused",
      "message_busy",
      "message_written",
      "conversation_deleted",
      "model_unknown",
    ],
  },
  {
    method: "get",
    path: "/api/runs/:id",
    summary: "Where a run is, with everything it wrote so far",
    action: "run.read",
    answers: { 200: { description: "The run", ...SNAPSHOT } },
    problems: [...SIGNED_IN, "not_found"],
  },
  {
    method: "get",
    path: "/api/runs/:id/events",
    summary: "Follow a run from an event on: as a stream, or with `wait` as one answer",
    action: "run.read",
    query: runEventsQuerySchema,
    resumes: true,
    answers: {
      200: { description: "What comes after the event", stream: true, json: "RunEvents" },
      204: { description: "The run is over and nothing comes after the event" },
    },
    problems: [...SIGNED_IN, ...FOLLOWING, "not_found", "gone", "invalid_query"],
  },
  {
    method: "post",
    path: "/api/runs/:id/stop",
    summary: "Stop a run, also one that was not started yet; stopping again changes nothing",
    action: "run.stop",
    answers: { 200: { description: "The run", ...SNAPSHOT } },
    problems: [...SIGNED_IN, ...CHANGES, "not_found"],
  },
  {
    method: "get",
    path: "/api/models",
    summary: "The models people may choose",
    action: "models.read",
    answers: { 200: { description: "The models, and which one a new chat starts with", json: "Models" } },
    problems: [...SIGNED_IN],
  },
  {
    method: "get",
    path: "/.well-known/jwks.json",
    summary:
      "The public keys by which receipts of answers and snapshot files are checked, retired and expired ones among them",
    action: "anybody",
    limit: "none",
    answers: { 200: { description: "A set of keys (RFC 7517), the newest first", json: "Jwks" } },
    problems: [],
  },
  {
    method: "get",
    path: "/healthz",
    summary: "Whether the process answers",
    action: "anybody",
    limit: "none",
    answers: { 200: { description: "It does", json: "Health" } },
    problems: [],
  },
  {
    method: "get",
    path: "/readyz",
    summary: "Whether the process can do its work and is not about to leave",
    action: "anybody",
    limit: "none",
    answers: { 200: { description: "It can", json: "Health" } },
    problems: ["draining", "storage_failing"],
  },
  {
    method: "get",
    path: "/metrics",
    summary: "What the server counts and measures, for Prometheus; with the token as bearer, or from this machine",
    action: "anybody",
    limit: "none",
    answers: { 200: { description: "Prometheus text" } },
    problems: ["unauthenticated", "not_found"],
  },
];

/** What any request may be answered, whatever it asks for. */
export const ANYWHERE: readonly ProblemCode[] = [
  "malformed_request",
  "request_timeout",
  "headers_too_large",
  "internal",
  "overloaded",
  "rate_limited",
  "storage_unavailable",
];
