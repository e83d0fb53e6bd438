import * as z from "zod/mini";

// Signing in with an OpenID Connect provider. Requests are strict, answers are open.

/** A page of the app to come back to. What is none is not refused: it leads to `/`. */
const nextSchema = z.string().check(z.maxLength(2_000));

/** Body of `POST /api/auth/oidc/start`. */
export const startOidcSchema = z.strictObject({
  next: z.optional(nextSchema),
  /** this is a shared device: the session ends with the browser */
  sharedDevice: z.optional(z.boolean()),
});

/** Body of `POST /api/account/oidc`. */
export const addOidcSchema = z.strictObject({ next: z.optional(nextSchema) });

/** Answer of both: where to send the browser. */
export const oidcStartedSchema = z.object({ url: z.string() });
export type OidcStarted = z.infer<typeof oidcStartedSchema>;

/** Answer of `GET /api/account/credentials`: the ways the account can be signed in to, besides passkeys. */
export const credentialsSchema = z.object({
  password: z.boolean(),
  /** of the provider this server has; false where it has none */
  oidc: z.boolean(),
});
export type Credentials = z.infer<typeof credentialsSchema>;

/** Where the browser is sent when signing in with the provider failed: this page, and why in its fragment. */
export const OIDC_FAILED_PAGE = "/account/failed";

/**
 * Why it failed.
 * - `cancelled`: the person, or the provider, said no
 * - `expired`: it took too long, was done already, or began in another browser
 * - `email-taken`: there is an account with this e-mail, of somebody who signs in to it in another way
 * - `email-missing`: the provider tells no e-mail address
 * - `taken`: what was to be added to the account belongs to another one
 * - `unavailable`: the provider does not answer
 * - `failed`: anything else; the server's log says more
 */
export const OIDC_FAILURES = [
  "cancelled",
  "expired",
  "email-taken",
  "email-missing",
  "taken",
  "unavailable",
  "failed",
] as const;
export type OidcFailure = (typeof OIDC_FAILURES)[number];
