import { connect } from "node:net";
import type { Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  conversationRoom,
  problemOf,
  rawProblemOf,
  newId,
  openAttackedServer,
  send,
  sendBytes,
} from "#tests/support/attacked-server.ts";
import type { Answer, AttackedServer } from "#tests/support/attacked-server.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import { createSeededRandom, seedOfThisRun } from "#tests/support/seeded-random.ts";

const SEED = seedOfThisRun();
const RSS_GROWTH_MB = 150;
const JSON_TYPE = "application/json";
const MB = 1024 * 1024;

let target: AttackedServer;
let guest: Guest;
let rssBefore = 0;
let rowsBefore: Record<string, number>;

beforeAll(async () => {
  target = await openAttackedServer();
  guest = await signInGuest(target.url);
  await guest.fetch("/api/me");
  await target.expectUnharmed();
  rssBefore = target.memory("VmRSS");
  rowsBefore = target.rows();
});
afterEach(async () => {
  await target.expectUnharmed();
});
afterAll(async () => {
  await target?.close();
});

const signed = (): Record<string, string> => ({ cookie: guest.cookie, origin: target.url });
const asJson = (): Record<string, string> => ({ ...signed(), "content-type": JSON_TYPE });
const put = (body: string | Buffer, headers = asJson(), id = newId()): Promise<Answer> =>
  send(target.port, { method: "PUT", path: `/api/runs/${id}`, headers, body });
/** Rows but those of the control guest's edits after each test. */
function withoutControl(): Record<string, number> {
  const { doc_update: updates, doc_client: _, doc_checkpoint: __, sqlite_sequence: ___, ...others } = target.rows();
  const control = target.database
    .prepare(
      "select count(*) from doc_update u join document d on d.id = u.document_id where d.summary like '%CONTROL%'",
    )
    .pluck()
    .get() as number;
  return { ...others, doc_update: (updates ?? 0) - control };
}

const validStart = () => ({
  conversationId: newId(),
  parentMessageId: newId(),
  messageId: newId(),
  model: "openai/scripted-1",
  parameters: {},
});
const startWith = (extra: Record<string, unknown>): string => JSON.stringify({ ...validStart(), ...extra });
const V4 = "4fd0c1a2-9b3c-4d5e-8f60-718293a4b5c6";
const FORGED_IDS = [
  ["in upper case", () => newId().toUpperCase()],
  ["a v4", () => V4],
  ["a traversal", () => "..%2f..%2fetc%2fpasswd"],
  ["an encoded slash", () => `${newId()}%2fevents`],
  ["an encoded NUL", () => `${newId()}%00`],
  ["broken percent encoding", () => `${newId()}%zz`],
  ["10 kB long", () => "a".repeat(10_240)],
  ["a prototype key", () => "__proto__"],
  ["quotes and SQL", () => "'%20or%201=1--"],
  ["full-width digits", () => encodeURIComponent(newId().replace(/^./, "０"))],
] as const;

describe("bodies", () => {
  const privileged = ["userId", "ownerId", "workspaceId", "tenantId", "role", "cost", "createdAt", "isAdmin"];
  test.each<[string, string, "invalid_body" | "malformed_json"]>([
    ["nothing", "", "malformed_json"],
    ["a cut object", '{"conversationId":', "malformed_json"],
    ["a trailing comma", "{},", "malformed_json"],
    ["NaN", "NaN", "malformed_json"],
    ["broken UTF-8", "\ufffd", "malformed_json"],
    ["null", "null", "invalid_body"],
    ["an array", "[]", "invalid_body"],
    ["a string", '"x"', "invalid_body"],
    ["an empty object", "{}", "invalid_body"],
    ["100,000 arrays deep", "[".repeat(100_000) + "]".repeat(100_000), "invalid_body"],
    ["30,000 objects deep", '{"a":'.repeat(30_000) + "1" + "}".repeat(30_000), "invalid_body"],
    ["20,000 keys", `{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":1`).join()}}`, "invalid_body"],
    ["the key __proto__", startWith({}).replace("{", '{"__proto__":{"isAdmin":true},'), "invalid_body"],
    ["the key constructor", startWith({ constructor: { prototype: {} } }), "invalid_body"],
    ["__proto__ in parameters", startWith({}).replace("{}", '{"__proto__":{"temperature":1}}'), "invalid_body"],
    ["an unknown parameter", startWith({ parameters: { logitBias: 1 } }), "invalid_body"],
    ["a temperature of 1e309", startWith({}).replace("{}", '{"temperature":1e309}'), "invalid_body"],
    ["a negative limit", startWith({ parameters: { maxOutputTokens: -1 } }), "invalid_body"],
    ["a number for a model", startWith({ model: 1 }), "invalid_body"],
    ["an object for a model", startWith({ model: { $gt: "" } }), "invalid_body"],
    ["an empty model", startWith({ model: "" }), "invalid_body"],
    ["a model of 10 kB", startWith({ model: "m".repeat(10_240) }), "invalid_body"],
    ["parameters as a list", startWith({ parameters: [] }), "invalid_body"],
    ...privileged.map((key): [string, string, "invalid_body"] => [
      `the key ${key}`,
      startWith({ [key]: "x" }),
      "invalid_body",
    ]),
    ...["conversationId", "parentMessageId", "messageId", "continues"].flatMap((field) =>
      [...FORGED_IDS.map(([, id]) => id()), null, 7, [], `${newId()}\u0000`, `${newId()}\n`].map(
        (id): [string, string, "invalid_body"] => [
          `${field} = ${JSON.stringify(id).slice(0, 50)}`,
          startWith({ [field]: id }),
          "invalid_body",
        ],
      ),
    ),
  ])("%s is refused", async (name, body, code) => {
    const bytes = name === "broken UTF-8" ? Buffer.from([0x22, 0xff, 0xfe, 0x22]) : body;
    expect(problemOf(await put(bytes))).toBe(code);
  });

  test("the content types a form can send, and none, are refused on every route with a body", async () => {
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/jsonx",
      "x",
    ]) {
      expect(problemOf(await put(startWith({}), { ...signed(), "content-type": type }))).toBe("unsupported_media_type");
      for (const path of ["/api/auth/sign-out", "/api/auth/sign-in/anonymous"]) {
        const headers = { origin: target.url, "content-type": type };
        expect(problemOf(await send(target.port, { method: "POST", path, headers, body: "{}" }))).toBe(
          "unsupported_media_type",
        );
      }
    }
    expect(problemOf(await put(startWith({}), signed()))).toBe("unsupported_media_type");
  });

  test("signing in with privileged fields makes no account", async () => {
    for (const body of ['{"userId":"x"}', '{"isAdmin":true}', '{"__proto__":{}}', "[]", "null"]) {
      const headers = { origin: target.url, "content-type": JSON_TYPE };
      expect(
        problemOf(await send(target.port, { method: "POST", path: "/api/auth/sign-in/anonymous", headers, body })),
      ).toBe("invalid_body");
    }
  });

  test("50 MB, with a length and without, are refused while they arrive", async () => {
    for (const path of [`/api/runs/${newId()}`, "/api/auth/sign-in/anonymous"])
      for (const chunked of [false, true]) {
        const { text, sent } = await flood(path, chunked);
        expect(text).toMatch(/^HTTP\/1\.1 413 /);
        expect(text).toContain("application/problem+json");
        expect(text).toContain('"code":"body_too_large"');
        expect(sent).toBeLessThan(50 * MB);
      }
  });
});

/** Sends 50 MB for as long as the server takes them. */
function flood(path: string, chunked: boolean): Promise<{ text: string; sent: number }> {
  const method = path.includes("runs") ? "PUT" : "POST";
  const session = path.includes("runs") ? `Cookie: ${guest.cookie}\r\n` : "";
  const length = chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${50 * MB}`;
  const head = `${method} ${path} HTTP/1.1\r\nHost: localhost:${target.port}\r\nOrigin: ${target.url}\r\n${session}Content-Type: application/json\r\n${length}\r\n\r\n`;
  const block = chunked ? Buffer.from(`10000\r\n${" ".repeat(65_536)}\r\n`) : Buffer.alloc(65_536, " ");
  return new Promise((resolve) => {
    const socket = connect(target.port, "127.0.0.1");
    let text = "";
    let sent = 0;
    socket.on("data", (data: Buffer) => (text += data.toString()));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve({ text, sent }));
    socket.write(head);
    const more = (): void => {
      if (socket.destroyed || text !== "" || sent >= 50 * MB) return;
      sent += block.length;
      if (socket.write(block)) setImmediate(more);
      else socket.once("drain", more);
    };
    more();
  });
}

describe("addresses", () => {
  test.each(FORGED_IDS)("an id that is %s names nothing", async (_, id) => {
    for (const [method, tail] of [
      ["GET", ""],
      ["PUT", ""],
      ["GET", "/events"],
      ["POST", "/stop"],
    ] as const) {
      const body = method === "PUT" ? startWith({}) : undefined;
      const path = `/api/runs/${id()}${tail}`;
      expect(problemOf(await send(target.port, { method, path, headers: asJson(), ...(body && { body }) }))).toBe(
        "not_found",
      );
    }
  });

  test("traversals, doubled slashes and dots lead nowhere", async () => {
    const paths = [
      "/api/../../etc/passwd",
      "/..%2f..%2fetc%2fpasswd",
      "/assets/..%2f..%2fserver%2fmain.js",
      "//api/me",
      "/api//me",
    ];
    paths.push(
      "/api/me/",
      "/api/me.",
      "/API/me",
      "/api/me;x",
      "/api/me/x.css",
      "/api/%6de/..",
      "/.vite/manifest.json",
      "/%00",
      "/%ff",
    );
    for (const path of paths) expect(problemOf(await send(target.port, { path, headers: signed() }))).toBe("not_found");
  });

  test("a method an address does not have is 405", async () => {
    const id = newId();
    for (const [path, methods] of [
      ["/api/me", ["POST", "PUT", "DELETE", "PATCH"]],
      ["/api/models", ["POST", "DELETE"]],
      ["/api/sync/feed", ["POST", "PUT", "DELETE"]],
      [`/api/runs/${id}`, ["POST", "DELETE", "PATCH"]],
      [`/api/runs/${id}/events`, ["POST", "PUT", "DELETE"]],
      [`/api/runs/${id}/stop`, ["GET", "PUT", "DELETE"]],
      ["/api/auth/sign-in/anonymous", ["GET", "PUT"]],
      ["/api/auth/sign-out", ["GET", "DELETE"]],
    ] as const)
      for (const method of methods)
        expect(problemOf(await send(target.port, { method, path, headers: signed() }))).toBe("method_not_allowed");
  });

  test("a bad query is refused by its place", async () => {
    const events = `/api/runs/${newId()}/events`;
    const bad = [
      "after=x",
      "after=1e9",
      "after=9999999999999999",
      "after=1&after=2",
      "wait=-1",
      "wait=26",
      "wait=1.5",
      "wait=x",
      "wait=",
      "x=1",
      "__proto__=1",
    ];
    for (const query of bad)
      expect(problemOf(await send(target.port, { path: `${events}?${query}`, headers: signed() }))).toBe(
        "invalid_query",
      );
    const feeds = [
      "cursor=-1",
      "cursor=x",
      "cursor=1.5",
      "cursor=9999999999999999",
      "cursor=",
      "limit=0",
      "limit=-1",
      "limit=10000",
      "limit=1e3",
      "limit=1&limit=2",
      "accountId=x",
      "__proto__=1",
      "constructor=1",
    ];
    for (const query of feeds)
      expect(problemOf(await send(target.port, { path: `/api/sync/feed?${query}`, headers: signed() }))).toBe(
        "invalid_query",
      );
  });

  test("whatever Last-Event-ID says, an unknown run is 404", async () => {
    for (const id of ["x", "-1", "1e9", "9".repeat(400), "NaN", "1;2", "__proto__"]) {
      const headers = { ...signed(), "last-event-id": id };
      expect(problemOf(await send(target.port, { path: `/api/runs/${newId()}/events`, headers }))).toBe("not_found");
    }
  });
});

describe("origins", () => {
  test("C15, #27: a foreign, null, sub-domain or near-by origin changes nothing on any unsafe route", async () => {
    const { port } = target;
    const origins = [
      "null",
      "https://evil.example",
      `http://evil.localhost:${port}`,
      `http://localhost:${port}.evil.example`,
      `http://localhost:${port + 1}`,
      `http://localhost:${port}/`,
      "http://localhost",
      "file://",
      "",
      `${target.url}, https://evil.example`,
    ];
    for (const origin of origins)
      for (const [method, path] of [
        ["PUT", `/api/runs/${newId()}`],
        ["POST", `/api/runs/${newId()}/stop`],
        ["POST", "/api/auth/sign-in/anonymous"],
        ["POST", "/api/auth/sign-out"],
      ] as const) {
        const headers = { cookie: guest.cookie, host: `localhost:${port}`, origin, "content-type": JSON_TYPE };
        expect(problemOf(await send(port, { method, path, headers, body: "{}" }))).toBe("foreign_origin");
      }
    const session = await guest.fetch("/api/me");
    expect(session.status).toBe(200);
  });

  test("a form of another site (text/plain, no CORS) is refused before its body is read", async () => {
    for (const site of ["cross-site", "same-site"]) {
      const headers = { cookie: guest.cookie, "sec-fetch-site": site, "content-type": "text/plain" };
      expect(
        problemOf(await send(target.port, { method: "POST", path: "/api/auth/sign-out", headers, body: "{}" })),
      ).toBe("foreign_origin");
    }
  });
});

describe("connections", () => {
  test("header floods, broken requests and smuggling are refused as problems", async () => {
    const host = `Host: localhost:${target.port}\r\n`;
    const flooded = [
      `x: ${"a".repeat(70_000)}\r\n`,
      Array.from({ length: 3_000 }, (_, i) => `x-${i}: ${i}\r\n`).join(""),
    ];
    for (const headers of flooded)
      expect(rawProblemOf(await sendBytes(target.port, `GET /api/me HTTP/1.1\r\n${host}${headers}\r\n`))).toBe(
        "headers_too_large",
      );
    const broken = [
      "GARBAGE\r\n\r\n",
      `GET /api/me HTTP/9.9\r\n${host}\r\n`,
      `GET /api/me HTTP/1.1\r\n${host}bad header\r\n\r\n`,
      `GET /\u0000 HTTP/1.1\r\n${host}\r\n`,
      "GET /api/me HTTP/1.1\r\nConnection: close\r\n\r\n",
      `POST /api/auth/sign-out HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/me HTTP/1.1\r\n\r\n`,
      `POST /api/auth/sign-out HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`,
      `POST /api/auth/sign-out HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
      "GET /api/me HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
      "GET /api/me HTTP/1.1\r\nHost: evil/path@x\r\nConnection: close\r\n\r\n",
      `OPTIONS * HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
      `GET gopher://evil/ HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    ];
    for (const bytes of broken) expect(rawProblemOf(await sendBytes(target.port, bytes))).toBe("malformed_request");
  });

  test(`300 connections of seeded garbage end, each with an answer or a cut (seed ${SEED})`, async () => {
    const random = createSeededRandom(SEED);
    const garbage = Array.from({ length: 300 }, () => random.bytes(1 + random.below(2_000)));
    const answers: string[] = [];
    for (let at = 0; at < garbage.length; at += 50)
      answers.push(
        ...(await Promise.all(
          garbage
            .slice(at, at + 50)
            // Garbage may be blank lines alone, which may stand before any request: no request begins with a NUL.
            .map((bytes) => sendBytes(target.port, Buffer.concat([bytes, Buffer.from("\0\r\n\r\n\r\n\r\n")]))),
        )),
      );
    expect(answers.filter((text) => text !== "" && rawProblemOf(text) !== "malformed_request")).toEqual([]);
  });

  test("300 requests held half open stop nobody", async () => {
    const held: Socket[] = [];
    for (let i = 0; i < 300; i++) {
      const socket = connect(target.port, "127.0.0.1").on("error", () => undefined);
      const body = `Content-Type: application/json\r\nContent-Length: 1000\r\nCookie: ${guest.cookie}\r\n\r\n{"a`;
      socket.write(`PUT /api/runs/${newId()} HTTP/1.1\r\nHost: localhost:${target.port}\r\n${i % 2 ? body : "X: "}`);
      held.push(socket);
    }
    await target.expectUnharmed();
    expect(held.filter((socket) => socket.destroyed)).toEqual([]);
    for (const socket of held) socket.destroy();
  });

  test("200 uploads cut in the middle leave nothing", async () => {
    const before = target.memory("VmRSS");
    for (let i = 0; i < 200; i++) {
      const socket = connect(target.port, "127.0.0.1").on("error", () => undefined);
      const head = `PUT /api/runs/${newId()} HTTP/1.1\r\nHost: localhost:${target.port}\r\nCookie: ${guest.cookie}\r\nContent-Type: application/json\r\nContent-Length: 200000\r\n\r\n`;
      await new Promise<void>((resolve) => socket.write(head + " ".repeat(100_000), () => resolve()));
      socket.destroy();
    }
    expect(target.memory("VmRSS") - before).toBeLessThan(RSS_GROWTH_MB);
  });
});

test("all that was refused wrote no row, and memory is bounded", () => {
  const { doc_update: _, doc_client: __, doc_checkpoint: ___, sqlite_sequence: ____, ...others } = rowsBefore;
  expect(withoutControl()).toEqual({ ...others, doc_update: 0 });
  expect(target.provider.requests).toHaveLength(0);
  process.stdout.write(
    `bad-input-http: RSS ${rssBefore} → ${target.memory("VmRSS")} MB, peak ${target.memory("VmHWM")} MB\n`,
  );
  expect(target.memory("VmRSS") - rssBefore).toBeLessThan(RSS_GROWTH_MB);
});

test("#21: 200 aborted requests of five guests, interleaved, show nobody the words of another", async () => {
  const random = createSeededRandom(SEED);
  const guests = await Promise.all(Array.from({ length: 5 }, () => signInGuest(target.url)));
  await Promise.all(guests.map((one, index) => writeCanary(one, `canary-${index}-only`)));
  let whole = 0;
  await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const owner = i % guests.length;
      const abort = new AbortController();
      if (i % 4 !== 3) setTimeout(() => abort.abort(), random.below(20));
      try {
        const response = await guests[owner]!.fetch("/api/sync/feed", { signal: abort.signal });
        const text = await response.text();
        whole += 1;
        expect(text.match(/canary-\d-only/g)).toEqual([`canary-${owner}-only`]);
      } catch (error) {
        if (!abort.signal.aborted) throw error;
      }
    }),
  );
  expect(whole).toBeGreaterThanOrEqual(50);
});

async function writeCanary(owner: Guest, title: string): Promise<void> {
  const device = openNodeDevice(target.url, owner.cookie, conversationRoom(newId()));
  const token = device.edit((conversation) => conversation.rename(title));
  await device.until(() => device.settled() >= token);
  device.close();
}
