import { askServer } from "./account-requests.ts";
import type { Refusal } from "./account-requests.ts";
import { err } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { passkeyCreationSchema, passkeyRequestSchema, passkeySchema } from "#shared/protocol/passkey-bodies.ts";
import type { Passkey } from "#shared/protocol/passkey-bodies.ts";

type Fetch = typeof globalThis.fetch;

/** Whether this browser knows passkeys, and this page may use them. */
export const knowsPasskeys = (): boolean => "PublicKeyCredential" in globalThis;

/** The person said no, or took too long, or there is none: browsers do not tell which. */
const CANCELLED: Refusal = { code: "passkey_cancelled", retryAfter: undefined };

/** Has a person show a passkey, and signs in by it. */
export async function signInWithPasskey(
  fetch: Fetch,
  device: { sharedDevice?: true },
): Promise<Result<undefined, Refusal>> {
  const options = await askServer(fetch, "POST", "/api/auth/passkey/options", { answer: passkeyRequestSchema });
  if (!options.ok) return options;
  const { startAuthentication } = await import("@simplewebauthn/browser");
  const credential = await startAuthentication({ optionsJSON: options.value as never }).catch(() => undefined);
  if (!credential) return err(CANCELLED);
  return await askServer(fetch, "POST", "/api/auth/passkey/sign-in", { body: { credential, ...device } });
}

/** Has the browser make a passkey for the account. */
export async function addPasskey(fetch: Fetch, name: string): Promise<Result<Passkey, Refusal>> {
  const options = await askServer(fetch, "POST", "/api/passkeys/options", { answer: passkeyCreationSchema });
  if (!options.ok) return options;
  const { startRegistration } = await import("@simplewebauthn/browser");
  const credential = await startRegistration({ optionsJSON: options.value as never }).catch(() => undefined);
  if (!credential) return err(CANCELLED);
  return await askServer(fetch, "POST", "/api/passkeys", { body: { name, credential }, answer: passkeySchema });
}
