import { expect, test } from "vitest";
import { openRunEvents, pollRunEvents, putRun } from "./run-requests.ts";

const signal = new AbortController().signal;
const answering =
  (body: BodyInit | null, init: ResponseInit, asked: string[] = []) =>
  async (url: RequestInfo | URL): Promise<Response> => {
    asked.push(String(url));
    return await Promise.resolve(new Response(body, init));
  };
const json = (value: unknown, asked?: string[]) => answering(JSON.stringify(value), { status: 200 }, asked);

test("a long poll answers the same events as the stream, and leaves out what it does not know", async () => {
  const asked: string[] = [];
  const events = [
    { type: "d", seq: 2, c: "t", o: 0, t: "a" },
    { type: "snap", seq: 3, ch: { t: "ab", r: "" }, state: "streaming" },
    { type: "stall", ms: 20_000 },
    { type: "from-the-future", seq: 4 },
  ];
  const answer = await pollRunEvents(json({ events, state: "streaming" }, asked), "r1", 1, signal);
  expect(asked).toEqual(["/api/runs/r1/events?after=1&wait=20"]);
  expect(answer).toEqual({
    events: [events[0], { ...events[1], seq: 3 }, { type: "stall", seq: undefined, ms: 20_000 }],
  });
});

test("nothing more of a run that is over reads like a stream's 204", async () => {
  expect(await pollRunEvents(json({ events: [], state: "stopped" }), "r1", 9, signal)).toEqual({ status: 204 });
  expect(await pollRunEvents(json({ events: [], state: "streaming" }), "r1", 9, signal)).toEqual({ events: [] });
});

test("a page of some proxy is no stream", async () => {
  const proxy = answering("<html>", { status: 200, headers: { "content-type": "text/html" } });
  expect(await openRunEvents(proxy, "r1", 0, signal)).toEqual({ status: 502 });
  expect(await pollRunEvents(json({ hello: 1 }), "r1", 0, signal)).toEqual({ status: 502 });
});

const command = {
  runId: "r1",
  conversationId: "c1",
  parentMessageId: "p1",
  messageId: "m1",
  model: "g",
  parameters: {},
  createdAt: 0,
};

test("a refusal that is cut before its code came is no refusal", async () => {
  const cut = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"status":404,'));
      controller.error(new TypeError("terminated"));
    },
  });
  await expect(putRun(answering(cut, { status: 404 }), command, signal)).rejects.toThrow("terminated");
});

test("a refused start tells its code and how long to wait", async () => {
  const body = JSON.stringify({ type: "about:blank", title: "Draining", status: 503, code: "draining" });
  const draining = answering(body, { status: 503, headers: { "retry-after": "2" } });
  expect(await putRun(draining, command, signal)).toEqual({
    status: 503,
    code: "draining",
    retryAfterMs: 2000,
    stream: undefined,
  });
  expect(await putRun(answering("oops", { status: 500 }), command, signal)).toMatchObject({ code: undefined });
});
