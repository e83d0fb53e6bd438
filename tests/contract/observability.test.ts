import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, get } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { parseConfig } from "#server/config/config.ts";
import { createLog } from "#server/observability/log.ts";
import { openServer } from "#server/open-server.ts";
import type { RunningServer } from "#server/open-server.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { SYNC_SUBPROTOCOL } from "#shared/protocol/sync-frames.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import { answer, refusals } from "#tests/support/provider-behaviour.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { ScriptedProvider } from "#tests/support/scripted-provider.ts";

const PROMPT = "CANARY-PROMPT";
const ANSWER = "CANARY-ANSWER";
const newId = (): string => createUuidV7(Date.now(), (length) => crypto.getRandomValues(new Uint8Array(length)));

/** One span as OTLP's JSON has it. */
interface SentSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  links?: { traceId: string; spanId: string }[];
}

let provider: ScriptedProvider;
let server: RunningServer;
let url: string;
let guest: Guest;
const folder = mkdtempSync(join(tmpdir(), "holdfast-observed-"));
const spans: SentSpan[] = [];
const sentBodies: string[] = [];
const logged: string[] = [];
const collector = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8").on("data", (text: string) => (body += text));
  request.on("end", () => {
    sentBodies.push(body);
    const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[] };
    spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
    response.setHeader("content-type", "application/json").end("{}");
  });
});

async function open(env: Record<string, string>, dataDir: string): Promise<RunningServer> {
  const config = parseConfig({ PORT: "0", HOST: "127.0.0.1", LOCAL_ENDPOINTS: "off", DATA_DIR: dataDir, ...env });
  if (!config.ok) throw new Error(config.failure.join("\n"));
  return openServer(config.value, createLog("debug", { write: (line) => void logged.push(line) }), () => undefined);
}

/** The values of one metric by its labels, e.g. `{state="completed"}`. */
async function read(): Promise<(name: string) => number> {
  const response = await fetch(`${url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain/u);
  const text = await response.text();
  expect(text).not.toContain("CANARY");
  return (name) =>
    Number(
      text
        .split("\n")
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length + 1) ?? 0,
    );
}

/** A run in a chat of its own, read to its end. */
async function runOnce(more: Record<string, string> = {}): Promise<void> {
  const [conversationId, parentMessageId] = [newId(), newId()];
  const device = openNodeDevice(url, guest.cookie, `conversation.${conversationId}.0`);
  const token = device.edit((chat) =>
    chat.addPrompt({ id: parentMessageId as MessageId, parentId: undefined, text: PROMPT, createdAt: 1 }),
  );
  await device.until(() => device.settled() >= token);
  const response = await guest.fetch(`/api/runs/${newId()}`, {
    method: "PUT",
    headers: { "content-type": "application/json", accept: "text/event-stream", ...more },
    body: JSON.stringify({
      conversationId,
      parentMessageId,
      messageId: newId(),
      model: "openai/scripted-1",
      parameters: {},
    }),
  });
  expect(response.status).toBe(201);
  await response.text();
  device.close();
}

/** Says something on a socket that is no frame; answers how the server closes it. */
async function sendGarbage(): Promise<number> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/sync/conversation.${newId()}.0`, SYNC_SUBPROTOCOL, {
    headers: { cookie: guest.cookie, origin: url },
  });
  await once(socket, "open");
  socket.send(new Uint8Array([0, 2, 5, 1]));
  const [code] = (await once(socket, "close")) as [number];
  return code;
}

beforeAll(async () => {
  provider = await openScriptedProvider({ otherwise: answer(`${ANSWER} and some more words`) });
  collector.listen(0, "127.0.0.1");
  await once(collector, "listening");
  const { port } = collector.address() as AddressInfo;
  server = await open(
    {
      OPENAI_API_KEY: "CANARY-KEY",
      OPENAI_BASE_URL: provider.baseUrl,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    },
    folder,
  );
  url = `http://127.0.0.1:${server.port}`;
  guest = await signInGuest(url);
});

afterAll(async () => {
  await server.close();
  await provider.close();
  collector.close();
  rmSync(folder, { recursive: true, force: true });
});

test("/metrics counts what happened: acks, commits, runs, tokens, failures, refusals, sockets", async () => {
  const before = await read();
  await runOnce();
  provider.script(refusals.paymentRequired());
  await runOnce();
  expect(await sendGarbage()).toBe(4422);
  const stays = openNodeDevice(url, guest.cookie, `conversation.${newId()}.0`);
  await stays.until(stays.arrived);
  const after = await read();
  const grew = (name: string): number => after(name) - before(name);

  expect(grew("holdfast_sync_ack_seconds_count")).toBeGreaterThanOrEqual(2);
  expect(grew("holdfast_commit_group_size_count")).toBeGreaterThan(4);
  expect(grew('holdfast_commit_duration_seconds_count{outcome="written"}')).toBeGreaterThan(4);
  expect(grew("holdfast_runs_started_total")).toBe(2);
  expect(grew('holdfast_runs_ended_total{state="completed"}')).toBe(1);
  expect(grew('holdfast_runs_ended_total{state="failed"}')).toBe(1);
  expect(grew("holdfast_run_first_token_seconds_count")).toBe(1);
  expect(grew("holdfast_run_frames_total")).toBeGreaterThan(2);
  expect(grew('holdfast_provider_failures_total{provider="openai",class="quota"}')).toBe(1);
  expect(grew('holdfast_sync_notices_total{code="malformed"}')).toBe(1);
  expect(grew('holdfast_sync_closes_total{code="4422"}')).toBe(1);
  expect(after("holdfast_sync_sockets")).toBe(1);
  expect(after("holdfast_rooms")).toBeGreaterThanOrEqual(1);
  expect(after("holdfast_run_followers")).toBe(0);
  expect(after("holdfast_commit_queue")).toBe(0);
  expect(after("nodejs_eventloop_lag_p99_seconds")).toBeGreaterThan(0);
  expect(grew('holdfast_http_request_seconds_count{method="PUT",route="/api/runs/:id",status="200"}')).toBe(2);
  stays.close();
});

test("addresses make no series of their own, however many are asked for", async () => {
  for (let at = 0; at < 5; at++) await fetch(`${url}/nothing/${newId()}`);
  for (let at = 0; at < 5; at++) await guest.fetch(`/api/runs/${newId()}`);
  const text = await (await fetch(`${url}/metrics`)).text();
  const routes = new Set(
    [...text.matchAll(/_request_seconds_count\{[^}]*route="([^"]*)"/gu)].map(([, route]) => route),
  );
  expect([...routes].filter((route) => route !== undefined && /[0-9a-f]{8}-/u.test(route))).toEqual([]);
  expect(routes).toContain("/api/runs/:id");
});

/** What `/metrics` answers to a request from this machine that calls it by this name. */
async function statusUnder(host: string): Promise<number | undefined> {
  const [response] = (await once(get(`${url}/metrics`, { headers: { host } }), "response")) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

test("whoever comes by a proxy, by another name, or without the token where there is one, does not read the metrics", async () => {
  const forwarded = await fetch(`${url}/metrics`, { headers: { "x-forwarded-for": "203.0.113.7" } });
  expect(forwarded.status).toBe(404);
  expect(await statusUnder(`localhost:${server.port}`)).toBe(200);
  expect(await statusUnder(`[::1]:${server.port}`)).toBe(200);
  // A page of that name, which was pointed at this machine once it was open.
  expect(await statusUnder(`rebound.example:${server.port}`)).toBe(404);
  expect(await statusUnder("127.0.0.1.rebound.example")).toBe(404);
  const other = mkdtempSync(join(tmpdir(), "holdfast-observed-"));
  const guarded = await open({ METRICS_TOKEN: "CANARY-TOKEN" }, other);
  try {
    const ask = (headers: Record<string, string>) => fetch(`http://127.0.0.1:${guarded.port}/metrics`, { headers });
    expect((await ask({})).status).toBe(401);
    expect((await ask({ authorization: "Bearer CANARY-TOKEM" })).status).toBe(401);
    expect((await ask({ authorization: "Bearer CANARY-TOKEN", "x-forwarded-for": "203.0.113.7" })).status).toBe(200);
  } finally {
    await guarded.close();
    rmSync(other, { recursive: true, force: true });
  }
});

test("one trace goes from the request through the run and its call to the commits, and holds no content", async () => {
  logged.length = 0;
  provider.script(refusals.paymentRequired());
  const [callersTrace, callersSpan] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
  await runOnce({ traceparent: `00-${callersTrace}-${callersSpan}-01` });
  await server.close();
  // Spans of the tests before may still have been on their way: the last run is this one.
  const run = spans.findLast(({ name }) => name === "run");
  const request = spans.find(({ spanId }) => spanId === run?.parentSpanId);
  const call = spans.find(({ parentSpanId, name }) => parentSpanId === run?.spanId && name === "provider.call");
  expect(request?.name).toBe("PUT /api/runs/:id");
  expect(call?.traceId).toBe(request?.traceId);
  // Whoever sends a trace of their own is named, and decides nothing.
  expect(request?.links).toMatchObject([{ traceId: callersTrace, spanId: callersSpan }]);
  expect(request?.parentSpanId ?? "").toBe("");
  expect(spans.filter(({ traceId }) => traceId === callersTrace)).toEqual([]);
  const ofTrace = spans.filter(({ traceId }) => traceId === request?.traceId);
  expect(
    ofTrace.filter(({ name, parentSpanId }) => name === "store.commit" && parentSpanId === run?.spanId),
  ).not.toEqual([]);
  const failed = logged.map((line) => JSON.parse(line) as { msg: string; trace_id?: string });
  expect(failed.find(({ msg }) => msg === "a call failed")?.trace_id).toBe(request?.traceId);
  expect([...sentBodies, ...logged].filter((text) => text.includes("CANARY"))).toEqual([]);
});
