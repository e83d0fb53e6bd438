import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { anonymous } from "better-auth/plugins/anonymous";
import type { AccountId } from "#shared/domain/ids.ts";
import { PASSWORD_LENGTH } from "#shared/domain/password.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import { createBoundTracking } from "./context-tracking.ts";

export interface AuthOptions {
  database: Database;
  /** signs session cookies */
  secret: string;
  /** where people reach the server; cookies are `Secure` when it is https */
  publicUrl: URL | undefined;
  events: AuthEvents;
  /** told what goes wrong inside, without content */
  warn: (message: string) => void;
}

/** What happens inside better-auth that others have to do with. */
export interface AuthEvents {
  /** a guest signed in to an account; rejecting refuses the sign-in */
  onGuestSignedIn(guest: AccountId, account: AccountId): Promise<void>;
  /** a new password was set by a link */
  onPasswordReset(account: AccountId): Promise<void>;
  /** somebody is to be sent a link; must not take longer where the address is somebody's */
  onVerificationAsked(mail: { email: string; token: string }): void;
  onResetAsked(mail: { email: string; token: string }): void;
}

/** What better-auth answered, without the token that it puts into its bodies. */
export interface AuthAnswer {
  ok: boolean;
  status: number;
  /** better-auth's own code for a refusal */
  code: string | undefined;
  cookies: string[];
  /** who is signed in now, where that was asked for */
  accountId: AccountId | undefined;
}

export type Auth = Awaited<ReturnType<typeof openAuth>>;

const DAY_S = 86_400;
export const VERIFY_LINK_S = DAY_S;
export const RESET_LINK_S = 3600;

/**
 * Sessions, passwords and guests, by better-auth on our database. Makes its tables if they are missing. Only the
 * routes of `http/auth-routes.ts` reach it: each of its endpoints is called by one of them, with a body made there.
 */
export async function openAuth({ database, secret, publicUrl, events, warn }: AuthOptions) {
  const secure = publicUrl?.protocol === "https:";
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
    session: { expiresIn: 365 * DAY_S, updateAge: DAY_S, freshAge: 0 },
    rateLimit: { enabled: false },
    verification: { storeIdentifier: "hashed" as const },
    emailAndPassword: {
      enabled: true,
      minPasswordLength: PASSWORD_LENGTH.min,
      maxPasswordLength: PASSWORD_LENGTH.max,
      resetPasswordTokenExpiresIn: RESET_LINK_S,
      onPasswordReset: ({ user }: { user: { id: string } }) => events.onPasswordReset(user.id as AccountId),
      sendResetPassword: async ({ user, token }: { user: { email: string }; token: string }) =>
        events.onResetAsked({ email: user.email, token }),
    },
    emailVerification: {
      expiresIn: VERIFY_LINK_S,
      sendVerificationEmail: async ({ user, token }: { user: { email: string }; token: string }) =>
        events.onVerificationAsked({ email: user.email, token }),
    },
    advanced: {
      // Over TLS no other host of the domain can set such a cookie (RFC 6265bis, 4.1.3.2).
      cookiePrefix: secure ? "__Host-holdfast" : "holdfast",
      useSecureCookies: false,
      ipAddress: { disableIpTracking: true },
      defaultCookieAttributes: { httpOnly: true, sameSite: "lax" as const, secure, path: "/" },
    },
    logger: { level: "error" as const, log: (_level: string, message: string) => warn(message) },
    // A store that cannot write is no reason to tell people that they are nobody.
    onAPIError: { throw: true },
    plugins: [
      anonymous({
        // What was the guest's has to become the account's first.
        disableDeleteAnonymousUser: true,
        onLinkAccount: async ({ anonymousUser, newUser }) => {
          const [guest, account] = [anonymousUser.user.id, newUser.user.id];
          if (guest !== account) await events.onGuestSignedIn(guest as AccountId, account as AccountId);
        },
      }),
    ],
  };
  await (await getMigrations(options)).runMigrations();
  const auth = betterAuth(options);
  const tracked = createBoundTracking();

  /** Calls one of better-auth's endpoints. Rejects with `CommitError` where the store does not take it. */
  async function call(path: string, from: Request, body?: Record<string, unknown>): Promise<AuthAnswer> {
    const answer = await ofStore(tracked(() => auth.handler(requestOf(path, from, body))));
    const said: unknown = await answer.json().catch(() => undefined); // an answer without a body says nothing
    return {
      ok: answer.ok,
      status: answer.status,
      code: textIn(said, "code"),
      cookies: answer.headers.getSetCookie(),
      accountId: textIn(fieldOf(said, "user"), "id") as AccountId | undefined,
    };
  }

  return {
    call,
    /** The token of the session that a cookie names, whose signature is right. That it still counts is for others to ask. */
    async tokenOf(headers: Headers): Promise<string | undefined> {
      const current = await ofStore(tracked(() => auth.api.getSession({ headers, query: { disableRefresh: true } })));
      return current?.session.token;
    },
    /** Prolongs a session that is in use; answers the cookies to send, none when it is not due. */
    async renew(headers: Headers): Promise<string[]> {
      const renewed = await ofStore(tracked(() => auth.api.getSession({ headers, returnHeaders: true })));
      return renewed.headers?.getSetCookie() ?? [];
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

/** better-auth wraps what the store says; who waits has to know that it was the store. */
const ofStore = <T>(asked: Promise<T>): Promise<T> =>
  asked.catch((error: unknown) => {
    throw error instanceof Error && error.cause instanceof CommitError ? error.cause : error;
  });

/** A call of ours in the name of a request: its cookies and its origin, and none of its body. */
function requestOf(path: string, from: Request, body: Record<string, unknown> | undefined): Request {
  const headers = new Headers(body && { "content-type": "application/json" });
  for (const name of ["cookie", "host", "origin", "user-agent"]) {
    const value = from.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Request(new URL(`/api/auth${path}`, from.url), {
    method: body ? "POST" : "GET",
    headers,
    ...(body && { body: JSON.stringify(body) }),
  });
}

function originsOf(request: Request | undefined): string[] {
  const origin = request?.headers.get("origin");
  return origin ? [origin] : [];
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && name in value ? (value as Record<string, unknown>)[name] : undefined;

function textIn(value: unknown, name: string): string | undefined {
  const text = fieldOf(value, name);
  return typeof text === "string" ? text : undefined;
}
