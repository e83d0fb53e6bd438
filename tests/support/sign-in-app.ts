import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { meSchema } from "#shared/protocol/http-bodies.ts";
import { createApp } from "#server/app.ts";
import { createPolicyBus } from "#server/bus/policy-bus.ts";
import { parseConfig } from "#server/config/config.ts";
import type { AppEnv } from "#server/http/app-env.ts";
import { openStaticFiles } from "#server/http/static-files.ts";
import { UNLIMITED } from "#server/limits/limiter.ts";
import type { Limiter } from "#server/limits/limiter.ts";
import { createLog } from "#server/observability/log.ts";
import { createMetrics } from "#server/observability/metrics.ts";
import { openAccounts } from "#server/open-accounts.ts";
import { systemClock } from "#server/runs/clock.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import { PASSWORD, newEmail } from "./account.ts";
import { createCookieJar } from "./cookie-jar.ts";

export const ORIGIN = "https://chat.example.org";

export interface SignInAppOptions {
  /** laid over `PUBLIC_URL` and a data directory of its own */
  env?: Readonly<Record<string, string>>;
  limiter?: Limiter;
}

export type SignInApp = Awaited<ReturnType<typeof openSignInApp>>;
export type Browser = ReturnType<SignInApp["browser"]>;

/** Everything about accounts in this process, without a port: its database may be looked into, and its clock set forward. */
export async function openSignInApp({ env = {}, limiter = UNLIMITED }: SignInAppOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-sign-in-"));
  const database = await openDatabase({ file: join(folder, "holdfast.sqlite") });
  const config = parseConfig({ PUBLIC_URL: ORIGIN, DATA_DIR: folder, ...env });
  if (!config.ok) throw new Error(config.failure.join());
  const logged: string[] = [];
  const log = createLog("info", { write: (line) => void logged.push(line) });
  let ahead = 0;
  const accounts = await openAccounts({
    config: config.value,
    database,
    bus: createPolicyBus(),
    rooms: { rehomed: () => undefined, editSnapshot: async () => undefined },
    runs: { rehomed: () => undefined },
    limiter,
    log,
    clock: { ...systemClock, now: () => Date.now() + ahead },
  });
  const app = createApp({
    metrics: createMetrics(),
    metricsToken: undefined,
    database,
    accounts: accounts.parts,
    resolver: accounts.resolver,
    publicUrl: config.value.publicUrl,
    rooms: { pull: async () => [], push: async () => ({ type: "later" }) },
    runs: new Hono<AppEnv>(),
    conversations: new Hono<AppEnv>(),
    snapshots: new Hono<AppEnv>(),
    models: new Hono<AppEnv>(),
    signing: { keys: async () => ({ keys: [] }) },
    staticFiles: await openStaticFiles(join(folder, "client"), { serviceWorker: "on" }),
    isDraining: () => false,
    log,
  });

  /** Somebody's browser: it has cookies, and says where its requests come from. */
  function browser(origin = ORIGIN) {
    const jar = createCookieJar();
    async function request(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
      const all = {
        host: new URL(origin).host,
        cookie: jar.header(),
        ...(method !== "GET" && { origin }),
        ...(body && { "content-type": "application/json" }),
        ...headers,
      };
      const init = { method, headers: all, ...(body && { body: JSON.stringify(body) }) };
      const response = await app.request(new URL(path, origin).href, init);
      jar.keep(response);
      return response;
    }
    return {
      jar,
      request,
      get: (path: string) => request("GET", path),
      post: (path: string, body: object = {}) => request("POST", path, body),
      me: async () => meSchema.parse(await (await request("GET", "/api/me")).json()),
      becomeGuest: () => request("POST", "/api/auth/sign-in/anonymous", {}),
      /** Makes an account; answers its e-mail. */
      async signUp(email = newEmail()): Promise<string> {
        const response = await request("POST", "/api/auth/sign-up", { email, password: PASSWORD, name: "Ada" });
        if (response.status !== 204) throw new Error(`no account: ${await response.text()}`);
        return email;
      },
    };
  }

  return {
    app,
    database,
    browser,
    /** the lines of the log */
    logged,
    setForward: (ms: number): void => void (ahead += ms),
    async close(): Promise<void> {
      await accounts.close();
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The status and code of a problem; only the status of another answer. */
export async function codeOf(response: Response): Promise<string> {
  if (response.headers.get("content-type") !== "application/problem+json") return String(response.status);
  return `${response.status} ${((await response.json()) as { code: string }).code}`;
}
