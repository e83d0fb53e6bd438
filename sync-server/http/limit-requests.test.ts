import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import { afterEach, expect, test, vi } from "vitest";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { createInProcessLimiter } from "#server/limits/in-process-limiter.ts";
import { LIMIT_RULES } from "#server/limits/limit-rules.ts";
import type { LimitRules } from "#server/limits/limit-rules.ts";
import { UNLIMITED } from "#server/limits/limiter.ts";
import type { AppEnv } from "./app-env.ts";
import { createHttpServer } from "./http-server.ts";
import { admitUpgrade, limitAccounts, limitAddresses, refusalOfLimit } from "./limit-requests.ts";
import { problem } from "./problem.ts";
import { openEventStream } from "./response-sink.ts";

const opened: Server[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const server of opened.splice(0)) server.close();
});

const RULES: LimitRules = {
  ...LIMIT_RULES,
  usual: { address: { points: 4, seconds: 60 }, account: { points: 2, seconds: 90 } },
  sync: { address: { points: 1, seconds: 60 }, account: { points: 1, seconds: 60 } },
  "sign-in": { address: { points: 3, seconds: 60 }, nameAtAddress: { points: 1, seconds: 60 } },
};

const principalOf = (accountId: string) => ({ accountId, workspaceId: `of ${accountId}` }) as AccountPrincipal;

/** Everything below /api is limited; callers name themselves. Counts who was asked who they are. */
function createLimited({ limiter = createInProcessLimiter(RULES), trustedProxies = 0 } = {}) {
  const asked = { times: 0 };
  const app = new Hono<AppEnv>();
  app.use(limitAddresses(limiter, { trustedProxies }, (c) => (c.req.path.startsWith("/api/") ? "usual" : undefined)));
  app.use("/api/*", async (c, next) => {
    asked.times += 1;
    const name = c.req.header("account");
    if (name === undefined) return problem("unauthenticated");
    c.set("principal", principalOf(name));
    return next();
  });
  app.use(
    "/api/*",
    limitAccounts(limiter, () => "usual"),
  );
  app.get("/api/thing", (c) => c.json({}));
  app.get("/api/stream", (c) => {
    const { outgoing } = c.env;
    if (outgoing) openEventStream(outgoing, 200).end();
    return RESPONSE_ALREADY_SENT;
  });
  app.get("/free", (c) => c.text("free"));
  app.post("/sign-in", async (c) => {
    const refused = await refusalOfLimit(c, limiter, "sign-in", { address: "a", name: await c.req.text() });
    return refused ?? problem("wrong_credentials");
  });
  return { app, asked };
}

const limitsOf = ({ headers }: Response) =>
  ["limit", "remaining", "reset"].map((name) => headers.get(`ratelimit-${name}`));

const as = (account: string) => ({ headers: { account } });

test("answers say what is left, and too many are refused with the time to come back", async () => {
  vi.useFakeTimers();
  const { app } = createLimited();
  expect(limitsOf(await app.request("/api/thing", as("ada")))).toEqual(["2", "1", "90"]);
  vi.advanceTimersByTime(500);
  expect(limitsOf(await app.request("/api/thing", as("ada")))).toEqual(["2", "0", "90"]);
  const refused = await app.request("/api/thing", as("ada"));
  expect(refused.status).toBe(429);
  expect(await refused.json()).toMatchObject({ code: "rate_limited" });
  expect(limitsOf(refused)).toEqual(["2", "0", "90"]);
  expect(refused.headers.get("retry-after")).toBe("90");
  vi.advanceTimersByTime(90_000);
  expect((await app.request("/api/thing", as("ada"))).status).toBe(200);
});

test("coming back is worth a wait of at least a second", async () => {
  vi.useFakeTimers();
  const { app } = createLimited();
  for (let call = 0; call < 2; call++) await app.request("/api/thing", as("ada"));
  vi.advanceTimersByTime(89_999);
  const refused = await app.request("/api/thing", as("ada"));
  expect(refused.headers.get("retry-after")).toBe("1");
});

test("the address is counted before anybody is asked who they are, also for those who are nobody", async () => {
  const { app, asked } = createLimited();
  const answers = [];
  for (let call = 0; call < 6; call++) answers.push(await app.request("/api/thing"));
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 429, 429]);
  expect(asked.times).toBe(4);
  expect(answers.map((answer) => limitsOf(answer)[1])).toEqual(["3", "2", "1", "0", "0", "0"]);
});

test("the tighter of address and account is told of", async () => {
  const { app } = createLimited();
  for (const account of ["ada", "bob", "cyd"]) await app.request("/api/thing", as(account));
  expect(limitsOf(await app.request("/api/thing", as("dan")))).toEqual(["4", "0", "60"]);
});

test("a handler counts what is in the body", async () => {
  const { app } = createLimited();
  const signIn = (name: string) => app.request("/sign-in", { method: "POST", body: name });
  const first = await signIn("ada");
  expect([first.status, ...limitsOf(first)]).toEqual([401, "1", "0", "60"]);
  expect((await signIn("ada")).status).toBe(429);
  expect((await signIn("bob")).status).toBe(401);
});

test("what is not limited, and a server without limits, says nothing about them", async () => {
  expect(limitsOf(await createLimited().app.request("/free"))).toEqual([null, null, null]);
  const { app } = createLimited({ limiter: UNLIMITED });
  for (let call = 0; call < 10; call++) {
    const answer = await app.request("/api/thing", as("ada"));
    expect([answer.status, ...limitsOf(answer)]).toEqual([200, null, null, null]);
  }
});

/** A listening server, and how to ask it over a real connection. */
async function listen(options?: Parameters<typeof createLimited>[0]) {
  const server = createHttpServer(createLimited(options).app.fetch);
  opened.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return async (path: string, headers: Record<string, string>): Promise<IncomingMessage> => {
    const request = httpRequest({ port, path, headers, agent: false }).end();
    const [answer] = (await once(request, "response")) as [IncomingMessage];
    answer.resume();
    await once(answer, "end");
    return answer;
  };
}

test("a stream on the raw response carries the headers, each once", async () => {
  const ask = await listen();
  const { headers, rawHeaders } = await ask("/api/stream", { account: "ada" });
  expect(headers).toMatchObject({ "ratelimit-limit": "2", "ratelimit-remaining": "1", "ratelimit-reset": "90" });
  expect(rawHeaders.filter((name) => name.toLowerCase() === "ratelimit-limit")).toHaveLength(1);
  const usual = await ask("/api/thing", { account: "ada" });
  expect(usual.rawHeaders.filter((name) => name.toLowerCase() === "ratelimit-remaining")).toHaveLength(1);
});

test("an invented X-Forwarded-For makes nobody new where no proxy is trusted", async () => {
  const ask = await listen();
  const statuses = [];
  for (let call = 0; call < 5; call++)
    statuses.push((await ask("/api/thing", { "x-forwarded-for": `192.0.2.${call}` })).statusCode);
  expect(statuses).toEqual([401, 401, 401, 401, 429]);
});

test("behind a proxy each caller has their own points, and inventions left of theirs change nothing", async () => {
  const ask = await listen({ trustedProxies: 1 });
  const statuses = [];
  for (let call = 0; call < 5; call++)
    statuses.push((await ask("/api/thing", { "x-forwarded-for": `192.0.2.${call}, 203.0.113.7` })).statusCode);
  expect(statuses).toEqual([401, 401, 401, 401, 429]);
  expect((await ask("/api/thing", { "x-forwarded-for": "203.0.113.8" })).statusCode).toBe(401);
});

const from = (remoteAddress: string) => ({ headers: {}, socket: { remoteAddress } }) as IncomingMessage;

test("of 1,000 addresses in one /64 no more upgrades are admitted than of one", async () => {
  const limiter = createInProcessLimiter(RULES);
  const refusals = [];
  for (let at = 0; at < 1_000; at++)
    refusals.push(await admitUpgrade(limiter, from(`2001:db8::${at}`), { trustedProxies: 0 }));
  expect(refusals.filter((headers) => headers === undefined)).toHaveLength(1);
  expect(refusals.at(-1)).toMatchObject({ "ratelimit-remaining": "0", "retry-after": "60" });
});

test("upgrades are counted by account too, once it is known", async () => {
  const limiter = createInProcessLimiter(RULES);
  const ada = principalOf("ada");
  expect(await admitUpgrade(limiter, from("192.0.2.1"), { trustedProxies: 0 }, ada)).toBeUndefined();
  expect(await admitUpgrade(limiter, from("192.0.2.2"), { trustedProxies: 0 }, ada)).toHaveProperty("retry-after");
});
