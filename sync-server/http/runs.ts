import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import type { Context } from "hono";
import { parseRunId } from "#shared/domain/ids.ts";
import type { RunId } from "#shared/domain/ids.ts";
import { runEventsQuerySchema, startRunSchema } from "#shared/protocol/run-bodies.ts";
import type { LiveRights } from "#server/access/live-rights.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { RunFeed } from "#server/runs/run-feed.ts";
import type { RunService } from "#server/runs/run-service.ts";
import type { StartFailure } from "#server/runs/run-starter.ts";
import { waitForEvents } from "#server/runs/long-poll.ts";
import type { AppEnv } from "./app-env.ts";
import { readBody, readQuery } from "./body.ts";
import { SOON, problem } from "./problem.ts";
import { connectResponse, openEventStream } from "./response-sink.ts";

type Ctx = Context<AppEnv>;
type Opened = Awaited<ReturnType<RunService["openFeed"]>>;

interface Followed {
  runId: RunId;
  feed: RunFeed;
}

interface RunRouteParts {
  runs: RunService;
  /** who the headers of a request name now; asked again while its answer is still being streamed */
  resolvePrincipal: (headers: Headers) => Promise<AccountPrincipal | undefined>;
  rights: LiveRights;
}

/** Start, read, follow and stop runs. Mounted at `/api/runs`. Rights are checked by the service, each time. */
export function runRoutes({ runs, resolvePrincipal, rights }: RunRouteParts): Hono<AppEnv> {
  async function start(c: Ctx, id: RunId): Promise<Response> {
    const body = await readBody(c.req.raw, startRunSchema);
    if (!body.ok) return body.failure;
    const started = await runs.start(c.var.principal, id, body.value);
    if (!started.ok) return refusal(started.failure);
    const { created, snapshot } = started.value;
    if (!accepts(c, "text/event-stream")) return c.json(snapshot, created ? 201 : 200, NO_STORE);
    const opened = await runs.openFeed(c.var.principal, id);
    // The log is deleted after its time, but a start that is repeated still answers with what there is.
    if (opened.ok && opened.value.type === "gone") return c.json(snapshot, 200, NO_STORE);
    return streamOf(c, opened, 0, created ? 201 : 200);
  }

  async function events(c: Ctx, id: RunId): Promise<Response> {
    const query = readQuery(c.req.url, runEventsQuerySchema);
    if (!query.ok) return query.failure;
    const cursor = cursorOf(c.req.header("last-event-id")?.trim() || query.value.after);
    const { wait } = query.value;
    // Rights are checked here again: a resume is an opening like any other.
    const opened = await runs.openFeed(c.var.principal, id);
    return streamOf(c, opened, cursor, 200, wait === undefined ? undefined : Number(wait) * 1000);
  }

  async function streamOf(
    c: Ctx,
    opened: Opened,
    cursor: number,
    status: 200 | 201,
    waitMs?: number,
  ): Promise<Response> {
    if (!opened.ok) return problem("not_found");
    if (opened.value.type === "unwritten") return problem(opened.value.code, SOON);
    if (opened.value.type === "gone") return cursor === opened.value.seq ? nothingMore() : problem("gone");
    const of = opened.value;
    const { feed } = of;
    if (feed.ended && cursor === feed.head) return nothingMore();
    return waitMs === undefined ? send(c, of, cursor, status) : poll(c, of, cursor, waitMs);
  }

  function send(c: Ctx, of: Followed, cursor: number, status: 200 | 201): Response {
    const response = c.env.outgoing;
    if (response === undefined) return problem("internal", { detail: "Event streams need the Node server" });
    if (!runs.mayFollow(of.feed)) return problem("too_many_followers", { headers: { "retry-after": "5" } });
    const sink = openEventStream(response, status);
    const follower = runs.attach(of, cursor, sink, mayStay(c, of.runId));
    response.on("close", rights.hold(c.var.principal, follower.revoke));
    connectResponse(response, follower);
    return RESPONSE_ALREADY_SENT;
  }

  /** Asks again who the request is of, and whether they may still read. */
  const mayStay = (c: Ctx, id: RunId): (() => Promise<boolean>) => {
    const { headers } = c.req.raw;
    return async () => {
      const principal = await resolvePrincipal(headers);
      return principal !== undefined && runs.mayRead(principal, id);
    };
  };

  async function poll(c: Ctx, { feed, runId }: Followed, cursor: number, waitMs: number): Promise<Response> {
    if (!runs.mayFollow(feed)) return problem("too_many_followers", { headers: { "retry-after": "5" } });
    const revoked = new AbortController();
    const release = rights.hold(c.var.principal, () => revoked.abort());
    const signal = AbortSignal.any([c.req.raw.signal, revoked.signal]);
    const found = await waitForEvents(feed, cursor, waitMs, runs.clock, signal);
    release();
    if (revoked.signal.aborted && !(await mayStay(c, runId)())) return problem("not_found");
    return c.json({ events: found, state: feed.state }, 200, NO_STORE);
  }

  return new Hono<AppEnv>()
    .put("/:id", withId(start))
    .get(
      "/:id",
      withId(async (c, id) => {
        const found = await runs.snapshot(c.var.principal, id);
        return found.ok ? c.json(found.value, 200, NO_STORE) : problem("not_found");
      }),
    )
    .get("/:id/events", withId(events))
    .post(
      "/:id/stop",
      withId(async (c, id) => {
        const stopped = await runs.stop(c.var.principal, id);
        return stopped.ok ? c.json(stopped.value, 200, NO_STORE) : problem(stopped.failure);
      }),
    );
}

/** What is no run id at all is not found either. */
const withId = (handle: (c: Ctx, id: RunId) => Promise<Response>) => (c: Ctx) => {
  const id = parseRunId(c.req.param("id") ?? "");
  return id === undefined ? problem("not_found") : handle(c, id);
};

const NO_STORE = { "cache-control": "no-store" };
const nothingMore = (): Response => new Response(null, { status: 204, headers: NO_STORE });
const accepts = (c: Ctx, type: string): boolean => (c.req.header("accept") ?? "").toLowerCase().includes(type);

/** What is no number reads as "from the beginning". */
const cursorOf = (text: string | undefined): number =>
  text !== undefined && /^\d{1,15}$/u.test(text.trim()) ? Number(text) : 0;

function refusal(failure: StartFailure): Response {
  if (failure.code === "message_busy")
    return problem("message_busy", failure.runId === undefined ? {} : { runId: failure.runId });
  const { code } = failure;
  // The same request is safe to send again.
  const soon = code === "draining" || code === "overloaded" || code === "storage_busy";
  return problem(code, soon ? SOON : {});
}
