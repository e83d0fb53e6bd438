import * as z from "zod/mini";
import type { Platform } from "#client/platform/platform.ts";
import type { AnsweredSnapshot, SnapshotCommand } from "#client/local-store/snapshot-record.ts";
import type { FrozenContent, FrozenMessage } from "#shared/domain/frozen-content.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";
import type { SnapshotSummary } from "#shared/domain/snapshot.ts";
import {
  asFrozenMessage,
  asManifest,
  frozenMessagesSchema,
  snapshotSchema,
  snapshotSummarySchema,
} from "#shared/protocol/snapshot-bodies.ts";
import type { ChangeSnapshot, TakeSnapshot } from "#shared/protocol/snapshot-bodies.ts";

type Fetch = Platform["fetch"];

const snapshotUrl = (id: string): string => `/api/snapshots/${encodeURIComponent(id)}`;

/** What the server said to a command. */
export interface CommandAnswer {
  status: number;
  /** the code of a refusal */
  code: string | undefined;
  retryAfterMs: number;
  /** the snapshot as it is now, where the answer says so */
  answered: AnsweredSnapshot | undefined;
}

const answeredSchema = z.extend(snapshotSummarySchema, { headSeq: z.optional(z.number()) });
const problemSchema = z.object({ code: z.string() });

/**
 * Sends a command. Repeating it has one effect. Rejects when the network does.
 * @param messages what is frozen, where the server does not have it
 */
export async function sendSnapshotCommand(
  fetch: Fetch,
  command: SnapshotCommand,
  messages: readonly FrozenMessage[] | undefined,
  signal: AbortSignal,
): Promise<CommandAnswer> {
  const response = await fetch(...requestOf(command, messages, signal));
  const { status } = response;
  const retryAfterMs = Math.max(0, Number(response.headers.get("retry-after") ?? 0) * 1000) || 0;
  const body = await readJson(response);
  const snapshot = response.ok ? answeredSchema.safeParse(body) : undefined;
  const problem = response.ok ? undefined : problemSchema.safeParse(body);
  return { status, code: problem?.data?.code, retryAfterMs, answered: snapshot?.data && answeredOf(snapshot.data) };
}

const answeredOf = ({ headSeq, ...summary }: z.infer<typeof answeredSchema>): AnsweredSnapshot => ({
  summary: summary as SnapshotSummary,
  headSeq,
});

function requestOf(
  { snapshotId, conversationId, deed }: SnapshotCommand,
  messages: readonly FrozenMessage[] | undefined,
  signal: AbortSignal,
): [string, RequestInit] {
  const json = (method: string, body: TakeSnapshot | ChangeSnapshot): RequestInit => ({
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  switch (deed.type) {
    case "take": {
      const { title, note, tags, leaf } = deed;
      // The server checks it as strictly as what is frozen has to be.
      const frozen = { manifest: deed.manifest, ...(messages && { messages }) } as Partial<TakeSnapshot>;
      return ["/api/snapshots", json("POST", { id: snapshotId, conversationId, title, note, tags, leaf, ...frozen })];
    }
    case "labels":
      return [snapshotUrl(snapshotId), json("PATCH", deed.labels)];
    case "restore":
      return [snapshotUrl(snapshotId), json("PATCH", { deleted: false })];
    case "delete":
      return [snapshotUrl(snapshotId), { method: "DELETE", signal }];
    case "erase":
      return [`${snapshotUrl(snapshotId)}?erase=true`, { method: "DELETE", signal }];
  }
}

/** All of one snapshot; `undefined` where the server does not give it, or says what this version does not understand. */
export async function getSnapshot(
  fetch: Fetch,
  id: SnapshotId,
  signal: AbortSignal,
): Promise<FrozenContent | undefined> {
  const response = await fetch(snapshotUrl(id), { signal });
  const body = await readJson(response);
  const parsed = response.ok ? snapshotSchema.safeParse(body) : undefined;
  if (!parsed?.data) return undefined;
  return { manifest: asManifest(parsed.data.manifest), messages: parsed.data.messages.map(asFrozenMessage) };
}

export interface WantedSeries {
  conversationId: string;
  after: number;
}

export type SeriesAnswer = z.infer<typeof frozenMessagesSchema>["series"];

/** Frozen messages of many conversations; `undefined` where they cannot be had now. Rejects when the network does. */
export async function postWantedMessages(
  fetch: Fetch,
  wanted: readonly WantedSeries[],
  signal: AbortSignal,
): Promise<SeriesAnswer | undefined> {
  const response = await fetch("/api/snapshots/messages", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ wanted }),
    signal,
  });
  const body = await readJson(response);
  const parsed = response.ok ? frozenMessagesSchema.safeParse(body) : undefined;
  return parsed?.data?.series;
}

/** `undefined` for a body that is no JSON: a gate's on the way, or none at all. */
async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
