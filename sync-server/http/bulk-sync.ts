import { Hono } from "hono";
import type { Context } from "hono";
import {
  BULK_TYPE,
  PULL_BODY_BYTES,
  PUSH_BODY_BYTES,
  encodePulled,
  encodePushAnswers,
  parsePull,
  parsePush,
} from "#shared/protocol/bulk-sync.ts";
import type { PushAnswer, Pushed } from "#shared/protocol/bulk-sync.ts";
import type { OnRefused, Rooms } from "#server/rooms/rooms.ts";
import type { AppEnv } from "./app-env.ts";
import { readBytes } from "./body.ts";

/** How many rooms one push keeps busy at once. */
const AT_ONCE = 16;

/** `POST /api/sync/pull` and `/push`: many documents in one request. Mounted at `/api/sync`. */
export const bulkSyncRoutes = (rooms: Pick<Rooms, "pull" | "push">): Hono<AppEnv> =>
  new Hono<AppEnv>()
    .post("/pull", async (c) => {
      const wanted = await readBytes(c.req.raw, { type: BULK_TYPE, limit: PULL_BODY_BYTES, parse: parsePull });
      if (!wanted.ok) return wanted.failure;
      return bytesOf(encodePulled(await rooms.pull(c.var.principal, wanted.value, noting(c))));
    })
    .post("/push", async (c) => {
      const edits = await readBytes(c.req.raw, { type: BULK_TYPE, limit: PUSH_BODY_BYTES, parse: parsePush });
      if (!edits.ok) return edits.failure;
      const push = (one: Pushed): Promise<PushAnswer> => rooms.push(c.var.principal, one, noting(c));
      return bytesOf(encodePushAnswers(await pushAll(push, edits.value)));
    });

/** What was refused of some documents stands in the audit log, though the answer is no refusal. */
const noting =
  (c: Context<AppEnv>): OnRefused =>
  (refused) =>
    c.set("outcome", { refused });

const bytesOf = (bytes: Uint8Array): Response =>
  new Response(bytes.slice(), { headers: { "content-type": BULK_TYPE, "cache-control": "no-store" } });

/** Edits of the same document keep their order. */
async function pushAll(push: (one: Pushed) => Promise<PushAnswer>, edits: readonly Pushed[]): Promise<PushAnswer[]> {
  const answers: PushAnswer[] = [];
  const queue = [...new Set(edits.map(({ id }) => id))];
  const workers = Array.from({ length: Math.min(AT_ONCE, queue.length) }, async () => {
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
      for (const [at, one] of edits.entries()) {
        if (one.id === id) answers[at] = await push(one);
      }
    }
  });
  await Promise.all(workers);
  return answers;
}
