import { genericOAuth } from "better-auth/plugins/generic-oauth";
import * as z from "zod/mini";
import { emailSchema, nameSchema } from "#shared/protocol/account-bodies.ts";
import type { OidcConfig } from "#server/config/config.ts";

/** What better-auth calls the provider, in the table `account` and at the end of the address people come back to. */
export const OIDC = "oidc";

/** What the token of a provider says that better-auth does not look at; its signature and the rest were checked. */
const claimsSchema = z.object({
  iss: z.string(),
  sub: z.string().check(z.minLength(1), z.maxLength(255)),
  azp: z.optional(z.string()),
});

/**
 * Signing in with an OpenID Connect provider, by better-auth's generic OAuth: code flow with PKCE, state and nonce, and a
 * signed ID token of this provider for this server. Stricter than it in three points: without an ID token nobody gets
 * in, its issuer is the configured one, and an account is known by issuer and subject, not by the subject alone.
 */
export function oidcPlugin(config: OidcConfig) {
  const provider = {
    providerId: OIDC,
    discoveryUrl: `${withoutSlash(config.issuer.href)}/.well-known/openid-configuration`,
    requireIdTokenVerification: true,
    clientId: config.clientId,
    clientSecret: config.clientSecret,
    // What every provider has to take (RFC 6749, 2.3.1).
    authentication: "basic" as const,
    scopes: ["openid", "email", "profile"],
    accountSubject: ({ tokens }: { tokens: { idToken?: string | undefined } }) => subjectOf(tokens.idToken, config),
    mapProfileToUser: (profile: { email?: unknown; name?: unknown }) => ({
      email: z.safeParse(emailSchema, profile.email).data ?? null,
      name: z.safeParse(nameSchema, profile.name).data ?? "",
      image: undefined,
    }),
  };
  return {
    ...genericOAuth({ config: [provider] }),
    // As if the provider had not answered at the start: it is looked up when somebody wants to sign in with it, so a
    // server whose provider is away, or silent, starts all the same.
    init: () => ({ context: { genericOAuthPendingDiscovery: new Map([[provider.providerId, provider]]) } }),
  };
}

/** Throws where it is not the configured issuer's, or was given to somebody else: better-auth then refuses the sign-in. */
function subjectOf(idToken: string | undefined, { issuer, clientId }: OidcConfig): string {
  const payload = Buffer.from(idToken?.split(".")[1] ?? "", "base64url").toString();
  const { iss, sub, azp } = z.parse(claimsSchema, JSON.parse(payload));
  if (withoutSlash(iss) !== withoutSlash(issuer.href)) throw new Error("The issuer is another one than OIDC_ISSUER");
  if (azp !== undefined && azp !== clientId) throw new Error("The ID token was given to somebody else");
  return `${iss} ${sub}`;
}

/** `new URL` adds one to an address without a path. */
const withoutSlash = (address: string): string => address.replace(/\/$/, "");
