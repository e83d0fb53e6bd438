import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import * as Y from "yjs";
import type { Documents } from "#client/local-store/documents.ts";
import type { RunCommand } from "#client/local-store/run-command.ts";
import type { RunCommandStore } from "#client/local-store/run-command-store.ts";
import { browserClock } from "#client/platform/browser-clock.ts";
import type { Broadcast } from "#client/platform/platform.ts";
import type { Locks } from "#client/platform/locks.ts";
import type { SmallStorage } from "#client/platform/small-storage.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import { formatRunEvent } from "#shared/protocol/run-events.ts";
import type { RunEvent } from "#shared/protocol/run-events.ts";
import { openRuns } from "./open-runs.ts";
import type { LiveRun, Runs } from "./runs.ts";
import { appendAnswer, startAnswer } from "#shared/documents/write-answer.ts";

const SAID = "Grüße 🎉 from the log, word by word. ".repeat(8);
const LOG: RunEvent[] = [
  { type: "s", seq: 1, v: 1, run: "r1", msg: "m1", state: "streaming", attempt: 1 },
  ...SAID.split(/(?<= )/u).map((t, i, all): RunEvent => ({
    type: "d",
    seq: i + 2,
    c: "t",
    o: all.slice(0, i).join("").length,
    t,
  })),
];
LOG.push({ type: "end", seq: LOG.length + 1, state: "completed", len: { t: SAID.length, r: 0 } });

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => void;
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A real HTTP server on a free port, with everything it was asked. */
async function aServer(handle: Handler) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    handle(request, response, new URL(request.url ?? "/", "http://host"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const stream = (response: ServerResponse): void => {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  response.write(": hb\n\n");
};
const problem = (response: ServerResponse, status: number, code: string, headers = {}): void => {
  response.writeHead(status, { "content-type": "application/problem+json", ...headers });
  response.end(JSON.stringify({ type: "about:blank", title: code, status, code }));
};
const events = (after: number): Buffer => Buffer.from(LOG.slice(after).map(formatRunEvent).join(""));

const startsStream: Handler = (_request, response) => {
  stream(response);
  response.end(events(0));
};

function aSmallStorage(): SmallStorage {
  const texts = new Map<string, string>();
  return { read: (key) => texts.get(key), write: (key, text) => (texts.set(key, text), true) };
}

/** What the tabs of one browser share. */
function aBrowser() {
  const stored = new Map<string, RunCommand>();
  const added = new Set<(command: RunCommand) => void>();
  const commands: RunCommandStore = {
    list: async () => await Promise.resolve([...stored.values()]),
    remove: async (runId) => await Promise.resolve(void stored.delete(runId)),
    onAdded(callback) {
      added.add(callback);
      return () => added.delete(callback);
    },
  };
  const tabs = new Set<(message: unknown) => void>();
  const openBroadcast = (): Broadcast => {
    let own: ((message: unknown) => void) | undefined;
    return {
      post(message) {
        for (const listener of tabs) if (listener !== own) listener(message);
      },
      onMessage(callback) {
        own = callback;
        tabs.add(callback);
        return () => tabs.delete(callback);
      },
    };
  };
  const turns = new Map<string, Promise<unknown>>();
  const locks: Locks = {
    hold(name, _signal, work) {
      const turn = (turns.get(name) ?? Promise.resolve()).then(work);
      turns.set(
        name,
        turn.catch(() => undefined),
      );
      return turn;
    },
  };
  return {
    commands,
    locks,
    openBroadcast,
    smallStorage: aSmallStorage(),
    stored,
    store(command: RunCommand): void {
      stored.set(command.runId, command);
      for (const callback of added) callback(command);
    },
  };
}

function aTab(
  origin: string,
  conversation: ConversationDocument,
  browser = aBrowser(),
  online = true,
  clock = browserClock,
) {
  const woken = new Set<() => void>();
  const network = { online };
  const page = new AbortController();
  cleanups.push(() => page.abort());
  const documents: Documents = {
    flush: () => Promise.resolve(),
    open: (id) => ({
      id,
      conversation,
      status: () => ({ type: "ready", arrived: true }),
      stored: async () => true,
      subscribe: () => () => undefined,
      editWithCommand: () => undefined,
      release: () => undefined,
    }),
  };
  const runs = openRuns(
    {
      platform: {
        clock,
        random: () => 0,
        fetch: (input, init) => fetch(new URL(String(input), origin), init),
        connectivity: {
          online: () => network.online,
          onWake(callback) {
            woken.add(callback);
            return () => woken.delete(callback);
          },
          onOffline: () => () => undefined,
        },
        openBroadcast: browser.openBroadcast,
      },
      painting: { beforeNext: (callback) => browserClock.after(0, callback) },
      locks: browser.locks,
      commands: browser.commands,
      documents,
      smallStorage: browser.smallStorage,
      scope: "a-w",
    },
    page.signal,
  );
  const wake = (): void => {
    network.online = true;
    for (const callback of woken) callback();
  };
  return { runs, browser, wake, network };
}

function aConversation() {
  const conversation = openConversation(new Y.Doc(), "test");
  conversation.addPrompt({ id: "p1" as MessageId, parentId: undefined, text: "Hi", createdAt: 0 });
  return conversation;
}

const command = (runId: string, more: Partial<RunCommand> = {}): RunCommand => ({
  runId,
  conversationId: "c1",
  parentMessageId: "p1",
  messageId: `m-${runId}`,
  model: "guide/guide",
  parameters: {},
  createdAt: Date.now(),
  ...more,
});

/** The first view of a run that a test is waiting for. */
const seen = (runs: Runs, runId: string, wanted: (live: LiveRun) => boolean): Promise<LiveRun> =>
  new Promise((resolve) => {
    const look = (): void => {
      const live = runs.live(runId);
      if (!live || !wanted(live)) return;
      stop();
      resolve(live);
    };
    const stop = runs.follow(runId, look);
  });
const settled = (runs: Runs, wanted: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const stop = runs.subscribeDeliveries(() => {
      if (!wanted()) return;
      stop();
      resolve();
    });
  });

describe("following", () => {
  test.each([97, 333, 1201])(
    "P2: a stream cut every %i bytes gives the very same text, each frame once",
    async (bytes) => {
      const { origin, asked } = await aServer((_request, response, url) => {
        stream(response);
        const rest = events(Number(url.searchParams.get("after")));
        if (rest.length <= bytes * 2) return void response.end(rest);
        response.write(rest.subarray(0, bytes * 2), () => response.destroy());
      });
      const { runs } = aTab(origin, aConversation());
      const live = await seen(runs, "r1", ({ status }) => status === "completed");
      expect(live).toMatchObject({ text: SAID, frame: LOG.length });
      expect(asked.length).toBeGreaterThan(1);
    },
  );

  test("watchers are called at most once per 33 ms, and what they see changes only then", async () => {
    const { origin } = await aServer((_request, response) => {
      stream(response);
      for (const event of LOG) response.write(formatRunEvent(event));
    });
    const { runs } = aTab(origin, aConversation());
    const at: number[] = [];
    runs.follow("r1", () => at.push(performance.now()));
    await seen(runs, "r1", ({ status }) => status === "completed");
    expect(at.every((time, i) => i === 0 || time - (at[i - 1] ?? 0) >= 30)).toBe(true);
    expect(runs.live("r1")).toBe(runs.live("r1"));
  });

  test("a wake-up leaves the open stream and attaches anew, after the last frame", async () => {
    const { origin, asked } = await aServer((_request, response, url) => {
      stream(response);
      const after = Number(url.searchParams.get("after"));
      response.write(after === 0 ? LOG.slice(0, 3).map(formatRunEvent).join("") : events(after));
    });
    const { runs, wake } = aTab(origin, aConversation());
    await seen(runs, "r1", ({ frame }) => frame === 3);
    wake();
    expect((await seen(runs, "r1", ({ status }) => status === "completed")).text).toBe(SAID);
    expect(asked).toEqual(["GET /api/runs/r1/events?after=0", "GET /api/runs/r1/events?after=3"]);
  });

  test("stop is asked again until the server answered", async () => {
    let refusals = 2;
    let followed: ServerResponse | undefined;
    let takesStops: (() => void) | undefined;
    const stopSeen = new Promise<void>((resolve) => {
      takesStops = resolve;
    });
    const { origin, asked } = await aServer((request, response) => {
      if (request.method === "POST" && refusals-- > 0) return problem(response, 503, "draining");
      if (request.method === "POST") {
        response.end("{}");
        const end: RunEvent = { type: "end", seq: 2, state: "stopped", len: { t: 0, r: 0 } };
        return void stopSeen.then(() => followed?.end(formatRunEvent(end)));
      }
      stream(response);
      response.write(events(0).subarray(0, formatRunEvent(LOG[0]!).length));
      followed = response;
    });
    const { runs } = aTab(origin, aConversation());
    await seen(runs, "r1", ({ frame }) => frame === 1);
    const stopping = seen(runs, "r1", ({ status }) => status === "stopping");
    runs.stop("r1");
    await stopping;
    takesStops?.();
    await seen(runs, "r1", ({ status }) => status === "stopped");
    expect(asked.filter((line) => line.startsWith("POST"))).toHaveLength(3);
  });
});

describe("delivery", () => {
  test("the answer that starts a run is its stream: no second request, and the command is gone", async () => {
    const { origin, asked } = await aServer(startsStream);
    const { runs, browser } = aTab(origin, aConversation());
    const done = seen(runs, "r1", ({ status }) => status === "completed");
    browser.store(command("r1"));
    expect((await done).text).toBe(SAID);
    expect(asked).toEqual(["PUT /api/runs/r1"]);
    expect(browser.stored.size).toBe(0);
    expect(runs.delivery("r1")).toBeUndefined();
  });

  test("P3: a command stored before a reload is taken up, and retried under the same id until it is taken", async () => {
    const failures = [
      (response: ServerResponse) => problem(response, 503, "draining", { "retry-after": "0" }),
      (response: ServerResponse) => problem(response, 404, "parent_missing"),
      (response: ServerResponse) => response.destroy(),
    ];
    const { origin, asked } = await aServer((request, response, url) => {
      const fail = failures.shift();
      if (fail) fail(response);
      else startsStream(request, response, url);
    });
    const browser = aBrowser();
    browser.store(command("r1"));
    const { runs } = aTab(origin, aConversation(), browser);
    await seen(runs, "r1", ({ status }) => status === "completed");
    expect(asked).toEqual(Array.from({ length: 4 }, () => "PUT /api/runs/r1"));
  });

  test("a clock that is set back again and again delays neither delivery nor following", async () => {
    const { origin, asked } = await aServer((request, response, url) => {
      if (asked.length === 1) return problem(response, 503, "draining", { "retry-after": "0" });
      stream(response);
      const after = Number(url.searchParams.get("after"));
      if (request.method === "PUT") response.write(events(0).subarray(0, 200), () => response.destroy());
      else response.end(events(after));
    });
    let wall = Date.now();
    const clock = { ...browserClock, now: () => (wall -= 86_400_000) };
    const { runs, browser } = aTab(origin, aConversation(), aBrowser(), true, clock);
    const done = seen(runs, "r1", ({ status }) => status === "completed");
    browser.store(command("r1"));
    expect((await done).text).toBe(SAID);
    expect(asked.filter((line) => line.startsWith("PUT"))).toHaveLength(2);
    expect(runs.delivery("r1")).toBeUndefined();
  });

  test("a final refusal is told with its code, and the command is forgotten", async () => {
    const { origin } = await aServer((_request, response) => problem(response, 422, "model_unknown"));
    const { runs, browser } = aTab(origin, aConversation());
    const refused = settled(runs, () => runs.delivery("r1")?.type === "refused");
    browser.store(command("r1"));
    await refused;
    expect(runs.delivery("r1")).toEqual({ type: "refused", code: "model_unknown" });
    await expect.poll(() => browser.stored.size).toBe(0);
  });

  test("two tabs of one browser start a run once", async () => {
    const { origin, asked } = await aServer(startsStream);
    const browser = aBrowser();
    browser.store(command("r1"));
    const tabs = [aTab(origin, aConversation(), browser), aTab(origin, aConversation(), browser)];
    await Promise.all(tabs.map(({ runs }) => seen(runs, "r1", ({ status }) => status === "completed")));
    expect(asked.filter((line) => line.startsWith("PUT"))).toEqual(["PUT /api/runs/r1"]);
  });

  test("P5: offline a command waits, can be taken back, is never sent, and the server is told", async () => {
    const { origin, asked } = await aServer(startsStream);
    const { runs, browser, wake } = aTab(origin, aConversation(), aBrowser(), false);
    browser.store(command("r1"));
    browser.store(command("r2"));
    expect(runs.delivery("r1")).toEqual({ type: "queued" });
    expect(await runs.cancel("r1")).toBe(true);
    const done = seen(runs, "r2", ({ status }) => status === "completed");
    wake();
    await done;
    await expect.poll(() => asked.toSorted()).toEqual(["POST /api/runs/r1/stop", "PUT /api/runs/r2"]);
  });

  test("cancelling what the server already has is too late; what it has not is made impossible", async () => {
    const there = new Set(["r1"]);
    const { origin, asked } = await aServer((request, response, url) => {
      const runId = url.pathname.split("/")[3] ?? "";
      if (request.method === "PUT") return problem(response, 503, "draining", { "retry-after": "60" });
      if (request.method === "POST") return void response.end("{}");
      if (!there.has(runId)) return problem(response, 404, "not_found");
      if (url.pathname.endsWith("/events")) return startsStream(request, response, url);
      const { conversationId, parentMessageId, messageId, model } = command(runId);
      const ids = { id: runId, conversationId, parentMessageId, messageId, model };
      response.end(JSON.stringify({ ...ids, state: "streaming", seq: 0, text: "", reasoning: "", attempts: 1 }));
    });
    const { runs, browser } = aTab(origin, aConversation());
    browser.store(command("r1"));
    browser.store(command("r2", { conversationId: "c2" }));
    await expect.poll(() => asked.filter((line) => line.startsWith("PUT")).length).toBe(2);
    expect(await runs.cancel("r1")).toBe(false);
    expect(await runs.cancel("r2")).toBe(true);
    await expect.poll(() => asked).toContain("POST /api/runs/r2/stop");
    expect(asked).not.toContain("POST /api/runs/r1/stop");
    expect(browser.stored.size).toBe(0);
    expect(await runs.cancel("unknown")).toBe(false);
  });

  test("nothing is started in a deleted conversation, wherever it was deleted; restored, it goes out", async () => {
    const { origin, asked } = await aServer(startsStream);
    const conversation = aConversation();
    conversation.setDeleted(true);
    const { runs, browser } = aTab(origin, conversation);
    browser.store(command("r1"));
    browser.store(command("other", { conversationId: "c2", createdAt: Date.now() + 1 }));
    expect(runs.delivery("r1")).toEqual({ type: "queued" });
    conversation.setDeleted(false);
    await expect.poll(() => runs.live("r1")?.status).toBe("completed");
    await expect.poll(() => runs.live("other")?.status).toBe("completed");
    expect(asked.toSorted()).toEqual(["PUT /api/runs/other", "PUT /api/runs/r1"]);
  });

  test("a deletion between two attempts is seen before the next one, and asks the server nothing more", async () => {
    const conversation = aConversation();
    const { origin, asked } = await aServer((request, response, url) => {
      if (asked.length > 1) return startsStream(request, response, url);
      conversation.setDeleted(true);
      problem(response, 409, "conversation_deleted", { "retry-after": "0" });
    });
    const { runs, browser } = aTab(origin, conversation);
    const phases: (string | undefined)[] = [];
    runs.subscribeDeliveries(() => {
      const phase = runs.delivery("r1")?.type;
      if (phase !== phases.at(-1)) phases.push(phase);
    });
    browser.store(command("r1"));
    // Sent, refused for a while, taken up again, and found deleted here.
    await expect.poll(() => phases).toEqual(["queued", "sending", "queued", "sending", "queued"]);
    expect(asked).toEqual(["PUT /api/runs/r1"]);
    const done = seen(runs, "r1", ({ status }) => status === "completed");
    conversation.setDeleted(false);
    await done;
    expect(asked).toEqual(["PUT /api/runs/r1", "PUT /api/runs/r1"]);
  });

  test("between the server's yes and the first word a run is still being sent, in every tab", async () => {
    let started: ServerResponse | undefined;
    const { origin, asked } = await aServer((request, response, url) => {
      if (request.method !== "PUT") return startsStream(request, response, url);
      stream(response);
      started = response;
    });
    const browser = aBrowser();
    const [sender, other] = [aTab(origin, aConversation(), browser), aTab(origin, aConversation(), browser)];
    // The tab that shows the chat follows; one that does not leaves the connections to it.
    const done = seen(other.runs, "r1", ({ status }) => status === "completed");
    browser.store(command("r1"));
    await expect.poll(() => browser.stored.size).toBe(0);
    for (const { runs } of [sender, other]) expect(runs.live("r1")?.status).not.toBe("streaming");
    expect(sender.runs.delivery("r1")).toEqual({ type: "sending" });
    const known = settled(sender.runs, () => sender.runs.delivery("r1") === undefined);
    started?.end(events(0));
    await known;
    expect(sender.runs.live("r1")).toBeDefined();
    await done;
    expect(other.runs.delivery("r1")).toBeUndefined();
    expect(asked.filter((line) => line.startsWith("PUT"))).toHaveLength(1);
  });

  test("a tab that waits says Sending while another one sends, and learns of its refusal", async () => {
    let refuse: (() => void) | undefined;
    let attempts = 0;
    const { origin } = await aServer((_request, response) => {
      if (++attempts === 1) return problem(response, 503, "draining", { "retry-after": "60" });
      refuse = () => problem(response, 422, "model_unknown");
    });
    const browser = aBrowser();
    const first = aTab(origin, aConversation(), browser);
    const waiting = settled(first.runs, () => attempts === 1 && first.runs.delivery("r1")?.type === "queued");
    browser.store(command("r1"));
    await waiting;
    const second = aTab(origin, aConversation(), browser);
    await expect.poll(() => first.runs.delivery("r1")).toEqual({ type: "sending" });
    expect(second.runs.delivery("r1")).toEqual({ type: "sending" });
    await expect.poll(() => refuse).toBeDefined();
    refuse?.();
    for (const { runs } of [first, second]) {
      await expect.poll(() => runs.delivery("r1")).toEqual({ type: "refused", code: "model_unknown" });
    }
  });

  test("a prompt behind an answer waits until the document says that the answer is final, however it ended", async () => {
    const { origin, asked } = await aServer(startsStream);
    const conversation = aConversation();
    const id = "m1" as MessageId;
    const run = { runId: "r0", model: "m", parameters: {}, status: "streaming" as const, frame: 0, queuedAt: 0 };
    startAnswer(conversation, { id, parentId: "p1" as MessageId, createdAt: 0, run });
    conversation.addPrompt({ id: "p2" as MessageId, parentId: id, text: "And?", createdAt: 1 });
    const { runs, browser } = aTab(origin, conversation);
    browser.store(command("r1", { parentMessageId: "p2" }));
    browser.store(command("other", { createdAt: Date.now() + 1 }));
    await settled(runs, () => runs.delivery("other") === undefined);
    expect(runs.delivery("r1")).toEqual({ type: "queued" });
    expect(asked).toEqual(["PUT /api/runs/other"]);
    const done = seen(runs, "r1", ({ status }) => status === "completed");
    appendAnswer(conversation, id, { text: "cut", reasoning: "", run: { ...run, status: "interrupted", frame: 2 } });
    await done;
    expect(asked).toEqual(["PUT /api/runs/other", "PUT /api/runs/r1"]);
  });
});
