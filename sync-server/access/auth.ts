import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import type { AccountId } from "#shared/domain/ids.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import { systemTables } from "#server/storage/system-tables.ts";
import { SESSION_S, SHORT_SESSION_S, cookiePrefix, createAuthOptions } from "./auth-options.ts";
import type { AuthOptions } from "./auth-options.ts";
import { answerOf, requestOf } from "./auth-request.ts";
import type { AuthAnswer } from "./auth-request.ts";
import { createBoundTracking } from "./context-tracking.ts";
import { OIDC } from "./oidc-plugin.ts";
import { createSessionCookies } from "./session-cookies.ts";

export type Auth = Awaited<ReturnType<typeof openAuth>>;

const SWEEP_MS = 60_000;

/**
 * Sessions, passwords, passkeys and guests, by better-auth on our database. Makes its tables if they are missing. Only
 * routes of ours reach it: each of its endpoints is called by one of them, with a body made there.
 */
export async function openAuth(given: AuthOptions) {
  const { database, publicUrl, secret } = given;
  const options = createAuthOptions(given);
  await (await getMigrations(options)).runMigrations();
  await forbidTwins(database);
  const auth = betterAuth(options);
  const tracked = createBoundTracking();
  const secure = publicUrl?.protocol === "https:";
  const cookies = createSessionCookies({ prefix: cookiePrefix(secure), secret, secure, lastsS: SESSION_S });
  const sweep = createSweep(database);

  /** Calls one of better-auth's endpoints. Rejects with `CommitError` where the store does not take it. */
  async function call(path: string, from: Request, body?: Record<string, unknown>): Promise<AuthAnswer> {
    const answer = await answerOf(await ofStore(tracked(() => auth.handler(requestOf(path, from, body)))));
    // Some of its endpoints pass off what the store could not do as a refusal.
    if (!answer.ok && !(await database.writable())) throw new CommitError("unavailable");
    return answer;
  }

  /** The token of the session that a cookie names, whose signature is right. That it still counts is for others to ask. */
  async function tokenOf(asked: Headers): Promise<string | undefined> {
    const headers = withTodaysName(asked);
    const current = await ofStore(tracked(() => auth.api.getSession({ headers, query: { disableRefresh: true } })));
    return current?.session.token;
  }

  return {
    call,
    /** What a passkey is to be made or shown for, for the browser; `undefined` for a session that is over by now. */
    async challenge(kind: "register" | "authenticate", from: Request) {
      await sweep();
      const path = `/passkey/generate-${kind}-options`;
      const answer = await ofStore(tracked(() => auth.handler(requestOf(path, from, undefined))));
      if (!answer.ok) return undefined;
      return { options: (await answer.json()) as object, cookies: answer.headers.getSetCookie() };
    },
    /** The cookies of a sign-in that was not told of the device, made right for it. */
    async settle(answered: readonly string[], from: Request, sharedDevice: boolean): Promise<string[]> {
      const token = cookies.tokenIn(answered);
      if (sharedDevice && token !== undefined) await keepShort(database, token);
      return cookies.settle(answered, from.headers, sharedDevice);
    },
    tokenOf,
    /** Whether whoever asks said that the device is shared: their session ends with the browser. */
    isShared: cookies.isShared,
    /** Prolongs a session that is in use; answers the cookies to send, none when it is not due. */
    async renew(asked: Headers): Promise<string[]> {
      const headers = withTodaysName(asked);
      if (cookies.isShared(asked)) {
        const token = await tokenOf(asked);
        if (token !== undefined) await keepShort(database, token);
        return [];
      }
      const renewed = await ofStore(tracked(() => auth.api.getSession({ headers, returnHeaders: true })));
      return [...cookies.renamed(asked), ...(renewed.headers?.getSetCookie() ?? [])];
    },
    /**
     * Gives a guest an e-mail and a password: from then on they have an account, of the same id and with all they
     * had. Whoever is refused stays the guest they were, also where the process dies in between.
     */
    async upgradeGuest(
      guest: AccountId,
      { email, password, name }: { email: string; password: string; name: string },
    ): Promise<"upgraded" | "email_taken"> {
      const { internalAdapter, password: passwords } = await auth.$context;
      return await ofStore(
        tracked(async () => {
          const hash = await passwords.hash(password);
          if (await internalAdapter.findUserByEmail(email)) return "email_taken";
          const accounts = await internalAdapter.findAccounts(guest);
          // Nobody can sign in by it before the guest has the e-mail.
          if (accounts.some(({ providerId }) => providerId === "credential"))
            await internalAdapter.updatePassword(guest, hash);
          else
            await internalAdapter.linkAccount({
              userId: guest,
              providerId: "credential",
              accountId: guest,
              password: hash,
            });
          await internalAdapter.updateUser(guest, { email, name, emailVerified: false, isAnonymous: false });
          return "upgraded";
        }),
      );
    },
  };
}

/** Before version 0.2 the cookie over TLS began with `__Secure-`; a guest who lost it would lose their chats. */
function withTodaysName(asked: Headers): Headers {
  const cookie = asked.get("cookie") ?? "";
  if (!cookie.includes("__Secure-holdfast.") || cookie.includes("__Host-holdfast.session_token=")) return asked;
  const headers = new Headers(asked);
  headers.set("cookie", cookie.replaceAll("__Secure-holdfast.", "__Host-holdfast."));
  return headers;
}

/** better-auth wraps what the store says; who waits has to know that it was the store. */
const ofStore = <T>(asked: Promise<T>): Promise<T> =>
  asked.catch((error: unknown) => {
    throw error instanceof Error && error.cause instanceof CommitError ? error.cause : error;
  });

/** Whoever makes a passkey chooses its id, and what is looked up before is no promise: nobody gets what is another's. */
async function forbidTwins(database: Database): Promise<void> {
  const unique = (name: string) =>
    systemTables<"account" | "passkey">(database).schema.createIndex(name).ifNotExists().unique();
  await unique("passkey_credential").on("passkey").column("credentialID").execute();
  const accounts = unique("account_at_provider").on("account").columns(["providerId", "accountId"]);
  await accounts.where("providerId", "=", OIDC).execute();
}

/** A session on a shared device lasts a short while from now. */
async function keepShort(database: Database, token: string): Promise<void> {
  const now = Date.now();
  const expiresAt = new Date(now + SHORT_SESSION_S * 1000).toISOString();
  await systemTables<"session">(database)
    .updateTable("session")
    .set({ expiresAt })
    .where("token", "=", token)
    .where("expiresAt", ">", new Date(now).toISOString())
    .execute();
}

/** Takes away challenges that nobody answered, and links that nobody followed, once in a while. */
function createSweep(database: Database) {
  let dueAt = 0;
  return async (): Promise<void> => {
    const now = Date.now();
    if (now < dueAt) return;
    dueAt = now + SWEEP_MS;
    await systemTables<"verification">(database)
      .deleteFrom("verification")
      .where("expiresAt", "<", new Date(now).toISOString())
      .execute();
  };
}
