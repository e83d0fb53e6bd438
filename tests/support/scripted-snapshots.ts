import { checkFrozen, contentIdOf } from "#shared/domain/frozen-content.ts";
import type { FrozenMessage, Manifest } from "#shared/domain/frozen-content.ts";
import {
  asFrozenMessage,
  asManifest,
  changeSnapshotSchema,
  takeSnapshotSchema,
} from "#shared/protocol/snapshot-bodies.ts";

import type { TakeSnapshot } from "#shared/protocol/snapshot-bodies.ts";

interface Kept {
  summary: Record<string, unknown> & { id: string; conversationId: string; number: number; deleted: boolean };
  manifest: Manifest;
  messages: FrozenMessage[];
  feedSeq: number;
  erased: boolean;
}

/** What becomes of a request besides being answered. */
export type Happening =
  /** it never arrives */
  | "lost"
  /** it is done, and nobody hears of it */
  | "answer-lost"
  | { status: number; code?: string; retryAfter?: number };

export interface ScriptedSnapshots {
  fetch: typeof fetch;
  /** method, path and status of each request that arrived */
  requests: string[];
  kept: Map<string, Kept>;
  /** what happens to the next requests, in order */
  happens(...next: Happening[]): void;
  /** whether the server has the messages of conversations by itself */
  hasConversations: boolean;
  /** entries of the feed after a place */
  feedAfter(cursor: number): {
    cursor: number;
    entries: ({ kind: "snapshot"; id: string } & Record<string, unknown>)[];
  };
  /** how many frozen messages one answer brings at most */
  pageSize: number;
  /** changes what is sent of a frozen message */
  garble: ((message: FrozenMessage) => FrozenMessage) | undefined;
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
const labelsOf = ({ title = "", note = "", tags = [] }: TakeSnapshot) => ({ title, note, tags: tags.toSorted() });
const problem = (status: number, code: string): Response => json(status, { code });

/** A server that keeps snapshots as the real one does, as far as a client can tell. */
export function createScriptedSnapshots(): ScriptedSnapshots {
  const kept = new Map<string, Kept>();
  const numbers = new Map<string, number>();
  const series = new Map<string, { hash: string; message: FrozenMessage }[]>();
  const script: Happening[] = [];
  let seq = 0;

  const answerOf = ({ summary, manifest, messages }: Kept, status = 200): Response =>
    json(status, { ...summary, manifest, messages });

  function addToSeries(conversationId: string, messages: readonly FrozenMessage[], hashes: readonly string[]): void {
    const own = series.get(conversationId) ?? [];
    series.set(conversationId, own);
    messages.forEach((message, at) => {
      const hash = hashes[at] ?? "";
      if (!own.some((one) => one.hash === hash)) own.push({ hash, message });
    });
  }

  function summaryOf(taken: TakeSnapshot, manifest: Manifest) {
    const { id, conversationId } = taken;
    const number = (numbers.get(conversationId) ?? 0) + 1;
    numbers.set(conversationId, number);
    const { head, messageCount, settings } = manifest;
    const known = { number, contentId: contentIdOf(manifest), head, messageCount, model: settings.model };
    const stamped = { excerpt: "", createdAt: 1_000_000 + seq, createdBy: "account-1", deleted: false };
    return { id, conversationId, ...labelsOf(taken), ...known, ...stamped };
  }

  function take(raw: unknown): Response {
    const parsed = takeSnapshotSchema.safeParse(raw);
    if (!parsed.success) return problem(400, "invalid_body");
    const { id, conversationId, manifest, messages } = parsed.data;
    const before = kept.get(id);
    if (before?.erased) return problem(409, "id_taken");
    if (before) return answerOf(before);
    if (!manifest || (!messages && !server.hasConversations)) return problem(409, "messages_missing");
    const frozen = { manifest: asManifest(manifest), messages: (messages ?? []).map(asFrozenMessage) };
    const hashes = checkFrozen(frozen);
    if (messages && !hashes.ok) return problem(422, "not_what_it_says");
    addToSeries(conversationId, frozen.messages, hashes.ok ? hashes.value : []);
    const summary = summaryOf(parsed.data, frozen.manifest);
    const made = { summary, ...frozen, feedSeq: (seq += 1), erased: false };
    kept.set(id, made);
    return answerOf(made, 201);
  }

  function change(one: Kept, edit: Record<string, unknown>): Response {
    Object.assign(one.summary, edit);
    one.feedSeq = seq += 1;
    return answerOf(one);
  }

  function about(id: string, method: string, isErasing: boolean, raw: unknown): Response {
    const one = kept.get(id);
    if (!one || one.erased) return problem(404, "not_found");
    if (method === "GET") return answerOf(one);
    if (method === "PATCH") {
      const parsed = changeSnapshotSchema.safeParse(raw);
      return parsed.success ? change(one, parsed.data) : problem(400, "invalid_body");
    }
    if (!isErasing) return change(one, { deleted: true });
    if (!one.summary.deleted) return problem(409, "not_deleted");
    one.erased = true;
    one.feedSeq = seq += 1;
    return new Response(null, { status: 204 });
  }

  function wanted(raw: { wanted: { conversationId: string; after: number }[] }): Response {
    let left = server.pageSize;
    const answered = raw.wanted.flatMap(({ conversationId, after }) => {
      if (left <= 0) return [];
      const all = series.get(conversationId) ?? [];
      const messages = all.slice(after, after + left);
      left -= messages.length;
      const end = after + messages.length;
      const sent = messages.map(({ hash, message }) => ({ hash, message: server.garble?.(message) ?? message }));
      return [{ conversationId, messages: sent, after: end, more: end < all.length }];
    });
    return json(200, { series: answered });
  }

  function answer(path: string, method: string, body: unknown): Response {
    if (path === "/api/snapshots/messages") return wanted(body as Parameters<typeof wanted>[0]);
    if (path === "/api/snapshots") return take(body);
    const [, cursor] = /^\/api\/sync\/feed\?cursor=(\d+)/u.exec(path) ?? [];
    if (cursor !== undefined) return json(200, { ...server.feedAfter(Number(cursor)), more: false });
    const [, id = "", query] = /^\/api\/snapshots\/([^?]+)(\?erase=true)?$/u.exec(path) ?? [];
    return about(id, method, query !== undefined, body);
  }

  const server: ScriptedSnapshots = {
    async fetch(input, init) {
      const path = input as string;
      const method = init?.method ?? "GET";
      // As far away as a server is at least.
      await new Promise((resolve) => setTimeout(resolve, 1));
      const happening = script.shift();
      if (happening === "lost") throw new TypeError("network");
      if (typeof happening === "object") {
        server.requests.push(`${method} ${path} ${happening.status}`);
        const headers = happening.retryAfter === undefined ? {} : { "retry-after": String(happening.retryAfter) };
        return json(happening.status, { code: happening.code ?? "scripted" }, headers);
      }
      const response = answer(path, method, typeof init?.body === "string" ? JSON.parse(init.body) : undefined);
      server.requests.push(`${method} ${path.replace(/[0-9a-f-]{36}/u, ":id")} ${response.status}`);
      if (happening === "answer-lost") throw new TypeError("network");
      return response;
    },
    requests: [],
    kept,
    happens: (...next) => void script.push(...next),
    hasConversations: false,
    feedAfter(cursor) {
      const changed = [...kept.values()].filter(({ feedSeq }) => feedSeq > cursor);
      const entries = changed
        .toSorted((a, b) => a.feedSeq - b.feedSeq)
        .map(({ summary, manifest, feedSeq, erased }) => ({
          kind: "snapshot" as const,
          id: summary.id,
          feedSeq,
          epoch: 0,
          headSeq: feedSeq,
          activityAt: feedSeq,
          summary: { ...summary },
          ...(erased ? { erased } : { manifest }),
        }));
      return { cursor: seq, entries };
    },
    pageSize: 1_000,
    garble: undefined,
  };
  return server;
}
