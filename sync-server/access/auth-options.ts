import { passkey } from "@better-auth/passkey";
import { anonymous } from "better-auth/plugins/anonymous";
import type { AccountId } from "#shared/domain/ids.ts";
import { PASSWORD_LENGTH } from "#shared/domain/password.ts";
import type { OidcConfig } from "#server/config/config.ts";
import type { Database } from "#server/storage/database.ts";
import { systemTables } from "#server/storage/system-tables.ts";
import { OIDC, oidcPlugin } from "./oidc-plugin.ts";

export interface AuthOptions {
  database: Database;
  /** signs session cookies */
  secret: string;
  /** where people reach the server; cookies are `Secure` when it is https */
  publicUrl: URL | undefined;
  /** a provider people may sign in with; needs `publicUrl` */
  oidc?: OidcConfig | undefined;
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

const DAY_S = 86_400;
export const VERIFY_LINK_S = DAY_S;
export const RESET_LINK_S = 3600;
/** A guest who loses the session loses the account, so sessions live long and renew with use. */
export const SESSION_S = 365 * DAY_S;
/**
 * On a shared device, after the last sign of life of a page. Browsers keep cookies that end with them: those that go on
 * where they were left, and those that were killed.
 */
export const SHORT_SESSION_S = 1800;

/** Over TLS no other host of the domain can set such a cookie (RFC 6265bis, 4.1.3.2). */
export const cookiePrefix = (secure: boolean): string => (secure ? "__Host-holdfast" : "holdfast");

/** A provider's tokens are good for nothing once somebody is signed in: they are not written down. */
const WITHOUT_TOKENS = {
  accessToken: null,
  refreshToken: null,
  idToken: null,
  accessTokenExpiresAt: null,
  refreshTokenExpiresAt: null,
  scope: null,
};
const withoutTokens = { before: () => Promise.resolve({ data: WITHOUT_TOKENS }) };

/** better-auth as it is set up here. */
export function createAuthOptions({ database, secret, publicUrl, oidc, events, warn }: AuthOptions) {
  const secure = publicUrl?.protocol === "https:";
  return {
    appName: "Holdfast",
    secret,
    basePath: "/api/auth",
    ...(publicUrl && { baseURL: publicUrl.origin }),
    // The app compares Origin before any route runs, also where PUBLIC_URL is unknown.
    trustedOrigins: (request?: Request) => originsOf(request),
    database: {
      db: systemTables<"account" | "passkey" | "session" | "user" | "verification">(database),
      type: "sqlite" as const,
    },
    telemetry: { enabled: false },
    // Where somebody has to have signed in lately, the routes ask for it.
    session: { expiresIn: SESSION_S, updateAge: DAY_S, freshAge: 0 },
    rateLimit: { enabled: false },
    verification: { storeIdentifier: "hashed" as const },
    ...passwords(events),
    account: {
      updateAccountOnSignIn: false,
      // Whoever is signed in may add the provider's account to theirs. The same e-mail makes nobody the same person.
      accountLinking: { disableImplicitLinking: true, allowDifferentEmails: true, trustedProviders: [OIDC] },
    },
    databaseHooks: { account: { create: withoutTokens, update: withoutTokens } },
    advanced: {
      cookiePrefix: cookiePrefix(secure),
      useSecureCookies: false,
      ipAddress: { disableIpTracking: true },
      defaultCookieAttributes: { httpOnly: true, sameSite: "lax" as const, secure, path: "/" },
    },
    logger: { level: "error" as const, log: (_level: string, message: string) => warn(message) },
    // A store that cannot write is no reason to tell people that they are nobody.
    onAPIError: { throw: true },
    plugins: [guests(events), passkeys(publicUrl), ...(oidc ? [oidcPlugin(oidc)] : [])],
  };
}

const passwords = (events: AuthEvents) => ({
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
});

const guests = (events: AuthEvents) =>
  anonymous({
    // What was the guest's has to become the account's first.
    disableDeleteAnonymousUser: true,
    onLinkAccount: async ({ anonymousUser, newUser }) => {
      const [guest, account] = [anonymousUser.user.id, newUser.user.id];
      if (guest !== account) await events.onGuestSignedIn(guest as AccountId, account as AccountId);
    },
  });

/** Without `publicUrl` a passkey is for the host of the request that asks, whose origin was compared with it. */
const passkeys = (publicUrl: URL | undefined) =>
  passkey({
    rpName: "Holdfast",
    ...(publicUrl && { rpID: publicUrl.hostname, origin: publicUrl.origin }),
    // Kept by the authenticator together with whose it is: nobody has to type a name.
    authenticatorSelection: { residentKey: "required", userVerification: "preferred" },
    advanced: { webAuthnChallengeCookie: "passkey" },
  });

function originsOf(request: Request | undefined): string[] {
  const origin = request?.headers.get("origin");
  return origin ? [origin] : [];
}
