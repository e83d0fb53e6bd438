import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { anonymous } from "better-auth/plugins/anonymous";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import { createBoundTracking } from "./context-tracking.ts";

export interface AuthOptions {
  database: Database;
  /** signs session cookies */
  secret: string;
  /** where people reach the server; cookies are `Secure` when it is https */
  publicUrl: URL | undefined;
  /** told what goes wrong inside, without content */
  warn: (message: string) => void;
}

export interface CurrentSession {
  sessionId: string;
  accountId: string;
  kind: "guest" | "account";
}

export type Auth = Awaited<ReturnType<typeof openAuth>>;

const DAY_S = 86_400;

/**
 * Sessions and guest accounts, by better-auth on our database. Makes its tables if they are missing. Only the
 * routes of `http/auth-routes.ts` reach it.
 */
export async function openAuth({ database, secret, publicUrl, warn }: AuthOptions) {
  const options = {
    appName: "Holdfast",
    secret,
    basePath: "/api/auth",
    ...(publicUrl && { baseURL: publicUrl.origin }),
    // The app compares Origin before any route runs, also where PUBLIC_URL is unknown.
    trustedOrigins: (request?: Request) => originsOf(request),
    database: { db: database.kysely, type: "sqlite" as const },
    telemetry: { enabled: false },
    // A guest who loses the session loses the account, so sessions live long and renew with use.
    session: { expiresIn: 365 * DAY_S, updateAge: DAY_S },
    rateLimit: { enabled: false },
    advanced: {
      cookiePrefix: "holdfast",
      useSecureCookies: publicUrl?.protocol === "https:",
      ipAddress: { disableIpTracking: true },
      defaultCookieAttributes: { httpOnly: true, sameSite: "lax" as const },
    },
    logger: { level: "error" as const, log: (_level: string, message: string) => warn(message) },
    // A store that cannot write is no reason to tell people that they are nobody.
    onAPIError: { throw: true },
    plugins: [anonymous()],
  };
  await (await getMigrations(options)).runMigrations();
  const auth = betterAuth(options);
  const tracked = createBoundTracking();

  return {
    /**
     * Signs in or out. The answer carries cookies only: the session's token is never in a body. Rejects with
     * `CommitError` where the store does not take it.
     */
    async handle(request: Request): Promise<{ ok: boolean; cookies: string[] }> {
      const answer = await tracked(() => auth.handler(request));
      await answer.body?.cancel();
      return { ok: answer.ok, cookies: answer.headers.getSetCookie() };
    },
    /** The session of the cookies, read from the database. */
    async session(headers: Headers): Promise<CurrentSession | undefined> {
      const current = await ofStore(tracked(() => auth.api.getSession({ headers, query: { disableRefresh: true } })));
      if (!current) return undefined;
      const { session, user } = current;
      return {
        sessionId: session.id,
        accountId: user.id,
        kind: "isAnonymous" in user && user.isAnonymous === true ? "guest" : "account",
      };
    },
    /** Prolongs a session that is in use; answers the cookies to send, none when it is not due. */
    async renew(headers: Headers): Promise<string[]> {
      const renewed = await ofStore(tracked(() => auth.api.getSession({ headers, returnHeaders: true })));
      return renewed.headers?.getSetCookie() ?? [];
    },
  };
}

/** better-auth wraps what the store says; who waits has to know that it was the store. */
const ofStore = <T>(asked: Promise<T>): Promise<T> =>
  asked.catch((error: unknown) => {
    throw error instanceof Error && error.cause instanceof CommitError ? error.cause : error;
  });

function originsOf(request: Request | undefined): string[] {
  const origin = request?.headers.get("origin");
  return origin ? [origin] : [];
}
