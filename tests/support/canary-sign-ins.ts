import { generateKeyPairSync } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { OidcStarted } from "#shared/protocol/oidc-bodies.ts";
import type { PasskeyCreation, PasskeyRequest, ShownCredential } from "#shared/protocol/passkey-bodies.ts";
import { cookiesOf, newEmail } from "./account.ts";
import { createAuthenticator } from "./authenticator.ts";
import type { Authenticator } from "./authenticator.ts";
import type { Canaries } from "./canaries.ts";
import { claimsOf } from "./oidc-peer.ts";
import type { Json, OidcPeer, Person } from "./oidc-peer.ts";

type Asked = { status: number; text: string; response: Response };

/** How a test of canaries asks the server, and keeps what it hears. */
export interface CanaryAsker {
  url: string;
  canaries: Canaries;
  /** what must not turn up, though it is nothing to sign in with */
  word: string;
  ask(method: string, path: string, init?: RequestInit & { cookie?: string }): Promise<Asked>;
  /** Keeps what a refusal says that is no answer over 399: where it sends the browser. */
  hear(what: string, status: number, text: string): void;
  keepCookie(response: Response): string;
}

/** What somebody comes back with, that can be used once. */
interface Back {
  query: URLSearchParams;
  cookie: string;
}

export const asJson = (body: object, cookie = "") => ({
  body: JSON.stringify(body),
  headers: { "content-type": "application/json" },
  ...(cookie !== "" && { cookie }),
});

/** What is set to be shown again within the ceremony; short words as "own" are no secret. */
function keepCookies({ canaries }: CanaryAsker, response: Response): string {
  const cookie = cookiesOf(response);
  for (const one of cookie.split("; ")) {
    const value = decodeURIComponent(one.slice(one.indexOf("=") + 1));
    if (value.length >= 20) canaries.add("ceremony cookie", value);
  }
  return cookie;
}

const altered = ({ query, cookie }: Back, changes: Readonly<Record<string, string>>): Back => ({
  query: new URLSearchParams({ ...Object.fromEntries(query), ...changes }),
  cookie,
});

/** People who come by the provider. All it says, and is told, is a canary. */
export function openProviderVisits(asker: CanaryAsker, peer: OidcPeer) {
  const { canaries, ask, hear, word } = asker;
  let people = 0;
  canaries.add("client secret", peer.client.secret);
  peer.listen((path, body) => {
    if (path !== "/token") return;
    canaries.add("PKCE verifier", new URLSearchParams(body).get("code_verifier") ?? "");
  });

  const keepTokens = (path: string, answer: Json): Json => {
    if (path !== "/token" || answer["id_token"] === undefined) return answer;
    const idToken = String(answer["id_token"]);
    canaries.add("ID token", idToken);
    canaries.add("ID token", idToken.split(".")[2] ?? "");
    canaries.add("provider's access token", String(answer["access_token"]));
    return answer;
  };
  peer.tamperWith(keepTokens);

  const somebody = (over: Partial<Person> = {}): Person => {
    const email = canaries.add("e-mail", `canary-${newEmail()}`);
    return peer.add({ sub: `canary-subject-${(people += 1)}`, email, email_verified: true, name: word, ...over });
  };

  /** Goes there and comes back, up to the door. */
  async function comeBack(who: Person, path = "/api/auth/oidc/start", signedIn = ""): Promise<Back> {
    const started = await ask("POST", path, asJson({}, signedIn));
    if (started.status !== 200) throw new Error(`${path}: ${started.status} ${started.text}`);
    const { url } = JSON.parse(started.text) as OidcStarted;
    const sent = new URL(url).searchParams;
    canaries.add("OIDC state", sent.get("state") ?? "");
    canaries.add("OIDC nonce", sent.get("nonce") ?? "");
    const cookie = [signedIn, keepCookies(asker, started.response)].filter((one) => one !== "").join("; ");
    const query = (await peer.visit(url, who)).searchParams;
    canaries.add("OIDC code", query.get("code") ?? "");
    return { query, cookie };
  }

  /** Goes in by the door; answers where to. */
  async function enter({ query, cookie }: Back): Promise<{ leadsTo: string; response: Response }> {
    const { status, text, response } = await ask("GET", `/api/auth/callback/oidc?${query}`, { cookie });
    const leadsTo = response.headers.get("location") ?? "";
    hear("GET /api/auth/callback/oidc", status, `${leadsTo}\n${text}`);
    return { leadsTo, response };
  }

  async function fail(back: Back, why: string): Promise<void> {
    const { leadsTo } = await enter(back);
    if (leadsTo !== `/account/failed#${why}`) throw new Error(`not ${why}: ${leadsTo}`);
  }

  /** Comes back while the provider says something else than it would. */
  async function failWhile(change: (path: string, answer: Json) => Json, over: Partial<Person> = {}): Promise<void> {
    const back = await comeBack(somebody(over));
    peer.tamperWith((path, answer) => change(path, keepTokens(path, answer)));
    await fail(back, "failed");
    peer.tamperWith(keepTokens);
  }

  const signedBy =
    (key: KeyObject) =>
    (path: string, answer: Json): Json =>
      path === "/token" ? { ...answer, id_token: peer.sign(claimsOf(answer["id_token"]), { key }) } : answer;

  return {
    comeBack: (): Promise<Back> => comeBack(somebody()),
    enter,
    /** Every way in, and every way that leads nowhere; `known` has an account, and is signed in. */
    async all(known: { email: string; cookie: string }): Promise<void> {
      const who = somebody();
      const first = await comeBack(who);
      asker.keepCookie((await enter(first)).response);
      await fail(first, "expired");
      const second = await comeBack(who);
      await fail(altered(second, { state: `${second.query.get("state")}x` }), "expired");
      await fail({ ...second, cookie: "" }, "expired");
      const third = await comeBack(who);
      await fail(altered(third, { code: first.query.get("code") ?? "" }), "failed");
      const fourth = await comeBack(who);
      const refusal = { error: "access_denied", error_description: word, code: word };
      await fail(altered(fourth, refusal), "cancelled");
      await fail(await comeBack(somebody({ email: known.email })), "email-taken");
      await failWhile(signedBy(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey));
      // A provider that quotes what it was told, and what it would have said.
      const quote = (answer: Json): Json => ({
        error: "invalid_grant",
        error_description: `${JSON.stringify(answer)} ${peer.client.secret} ${word}`,
        error_uri: word,
      });
      await failWhile((path, answer) => (path === "/token" ? quote(answer) : answer));
      await failWhile((path, answer) => (path === "/token" ? { ...answer, id_token: word } : answer));
      await failWhile((path, answer) => (path.startsWith("/me") ? { ...quote(answer), sub: word } : answer));
      const linked = await comeBack(somebody(), "/api/account/oidc", known.cookie);
      const { leadsTo } = await enter(linked);
      if (leadsTo !== "/") throw new Error(`not added: ${leadsTo}`);
      await fail(linked, "expired");
    },
  };
}

/** What one passkey says, once. */
interface Shown {
  credential: ShownCredential;
  cookie: string;
}

/** Passkeys of somebody who is signed in. All that browser and authenticator say is a canary. */
export function openPasskeyVisits(asker: CanaryAsker) {
  const { canaries, ask, word } = asker;
  const keys: Authenticator = createAuthenticator(asker.url);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

  function keep<C extends { id: string; response: object }>(credential: C): C {
    canaries.add("credential id", credential.id);
    for (const [name, value] of Object.entries(credential.response))
      if (typeof value === "string" && value.length >= 20) canaries.add(`passkey's ${name}`, value);
    return credential;
  }

  async function begin<T extends { challenge: string }>(path: string, signedIn: string): Promise<[T, string]> {
    const asked = await ask("POST", path, asJson({}, signedIn));
    if (asked.status !== 200) throw new Error(`${path}: ${asked.status} ${asked.text}`);
    const options = JSON.parse(asked.text) as T;
    canaries.add("challenge", options.challenge);
    return [options, [signedIn, keepCookies(asker, asked.response)].filter((one) => one !== "").join("; ")];
  }

  async function add(signedIn: string, wrong: Parameters<Authenticator["create"]>[1], status: number): Promise<void> {
    const [options, cookie] = await begin<PasskeyCreation>("/api/passkeys/options", signedIn);
    const credential = keep(keys.create(options, wrong));
    const body = asJson({ name: word, credential }, cookie);
    const added = await ask("POST", "/api/passkeys", body);
    if (added.status !== status) throw new Error(`not ${status}: ${added.status} ${added.text}`);
    // Said twice, it is nobody's.
    const again = await ask("POST", "/api/passkeys", body);
    if (again.status !== 422) throw new Error(`taken twice: ${again.status}`);
  }

  async function show(wrong: Parameters<Authenticator["get"]>[1] = {}): Promise<Shown> {
    const [options, cookie] = await begin<PasskeyRequest>("/api/auth/passkey/options", "");
    return { credential: keep(keys.get(options, wrong)), cookie };
  }

  async function signIn({ credential, cookie }: Shown, status: number | undefined): Promise<Response> {
    const answer = await ask("POST", "/api/auth/passkey/sign-in", asJson({ credential }, cookie));
    if (status !== undefined && answer.status !== status) throw new Error(`not ${status}: ${answer.status}`);
    return answer.response;
  }

  return {
    show,
    signIn,
    /** A registration and a sign-in, and every way of both that leads nowhere. */
    async all(signedIn: string): Promise<void> {
      for (const wrong of [{ challenge: word }, { origin: `https://${word}.example` }, { rpId: word }, { flags: 0 }])
        await add(signedIn, wrong, 422);
      await add(signedIn, {}, 201);
      for (const wrong of [
        { challenge: word },
        { origin: `https://${word}.example` },
        { key: privateKey },
        { flags: 0 },
      ])
        await signIn(await show(wrong), 401);
      const { credential, cookie } = await show();
      const { signature } = credential.response;
      const tampered = `${signature.slice(0, -6)}${signature.at(-6) === "A" ? "B" : "A"}${signature.slice(-5)}`;
      canaries.add("passkey's signature", tampered);
      await signIn(
        { credential: { ...credential, response: { ...credential.response, signature: tampered } }, cookie },
        401,
      );
      const right = await show();
      asker.keepCookie(await signIn(right, 204));
      await signIn(right, 401);
      await signIn({ ...right, cookie: "" }, 401);
      for (const method of ["DELETE", "PATCH"])
        await ask(method, `/api/passkeys/${right.credential.id}`, asJson({ name: word }, signedIn));
    },
  };
}
