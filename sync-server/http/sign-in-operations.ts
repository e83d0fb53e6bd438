import { BODY, CHANGES, SIGNED_IN } from "./operation-problems.ts";
import type { Answer, Operation } from "./operation.ts";

const COOKIES: Answer = { description: "Done; what is new is in the cookies" };
const DONE: Answer = { description: "Done" };
/** Who is a guest, and who did not show who they are a moment ago. */
const RECENT = ["account_needed", "sign_in_again"] as const;

/** The routes about passkeys and about the OpenID Connect provider. */
export const SIGN_IN_OPERATIONS: readonly Operation[] = [
  {
    method: "post",
    path: "/api/auth/passkey/options",
    summary: "What a passkey is to be shown for, for the browser; good for five minutes, once",
    action: "anybody",
    limit: "challenge",
    body: { optional: true },
    answers: { 200: { description: "What `navigator.credentials.get` takes", json: "PasskeyRequest" } },
    problems: [...CHANGES, ...BODY],
  },
  {
    method: "post",
    path: "/api/auth/passkey/sign-in",
    // Besides, its handler counts failures.
    summary: "Sign in with a passkey; what a guest had becomes the account's",
    action: "anybody",
    audit: { action: "account.sign-in", method: "passkey" },
    body: { schema: "PasskeySignIn" },
    answers: { 204: COOKIES },
    problems: [...CHANGES, ...BODY, "wrong_credentials"],
  },
  {
    method: "post",
    path: "/api/auth/oidc/start",
    summary: "Begin to sign in with the OpenID Connect provider",
    action: "anybody",
    limit: "challenge",
    body: { schema: "StartOidc" },
    answers: { 200: { description: "Where to send the browser", json: "OidcStarted" } },
    problems: [...CHANGES, ...BODY, "not_found", "oidc_unavailable"],
  },
  {
    method: "get",
    path: "/api/auth/callback/oidc",
    summary:
      "Where the provider sends the browser; leads on to a page of the app, or to one that says in its fragment why not",
    action: "anybody",
    audit: { action: "account.sign-in", method: "oidc" },
    limit: "challenge",
    answers: { 302: { description: "The page; signed in, with cookies, or not" } },
    problems: ["not_found"],
  },
  {
    method: "get",
    path: "/api/account/credentials",
    summary: "By what, besides passkeys, the account can be signed in to",
    action: "password.change",
    answers: { 200: { description: "Whether by each of these", json: "Credentials" } },
    problems: [...SIGNED_IN, "account_needed"],
  },
  {
    method: "post",
    path: "/api/account/oidc",
    summary: "Begin to add an account at the OpenID Connect provider, to sign in with",
    action: "password.change",
    limit: "challenge",
    body: { schema: "AddOidc" },
    answers: { 200: { description: "Where to send the browser", json: "OidcStarted" } },
    problems: [...SIGNED_IN, ...CHANGES, ...BODY, ...RECENT, "oidc_unavailable"],
  },
  {
    method: "delete",
    path: "/api/account/oidc",
    summary: "Sign in with the account at the provider no more",
    action: "password.change",
    audit: { action: "oidc.remove" },
    answers: { 204: DONE },
    problems: [...SIGNED_IN, ...CHANGES, ...RECENT, "last_credential"],
  },
  {
    method: "get",
    path: "/api/passkeys",
    summary: "The passkeys of the account",
    action: "passkey.manage",
    answers: { 200: { description: "The newest first", json: "Passkeys" } },
    problems: [...SIGNED_IN, "account_needed"],
  },
  {
    method: "post",
    path: "/api/passkeys/options",
    summary: "What a new passkey is to be made for, for the browser; good for five minutes, once",
    action: "passkey.manage",
    limit: "challenge",
    body: { optional: true },
    answers: { 200: { description: "What `navigator.credentials.create` takes", json: "PasskeyCreation" } },
    problems: [...SIGNED_IN, ...CHANGES, ...BODY, ...RECENT, "too_many"],
  },
  {
    method: "post",
    path: "/api/passkeys",
    summary: "Add the passkey that was made",
    action: "passkey.manage",
    audit: { action: "passkey.add" },
    body: { schema: "AddPasskey" },
    answers: { 201: { description: "The passkey", json: "Passkey" } },
    problems: [...SIGNED_IN, ...CHANGES, ...BODY, ...RECENT, "too_many", "passkey_invalid"],
  },
  {
    method: "patch",
    path: "/api/passkeys/:id",
    summary: "Rename a passkey",
    action: "passkey.manage",
    body: { schema: "RenamePasskey" },
    answers: { 204: DONE },
    problems: [...SIGNED_IN, ...CHANGES, ...BODY, "account_needed"],
  },
  {
    method: "delete",
    path: "/api/passkeys/:id",
    summary: "Remove a passkey: nobody signs in with it any more",
    action: "passkey.manage",
    audit: { action: "passkey.remove", target: { kind: "passkey", param: "id" } },
    answers: { 204: DONE },
    problems: [...SIGNED_IN, ...CHANGES, ...RECENT, "last_credential"],
  },
];
