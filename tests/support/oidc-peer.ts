import { createHmac, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";
import { createCookieJar } from "./cookie-jar.ts";
import type { CookieJar } from "./cookie-jar.ts";

/** Somebody who has an account at the provider. */
export interface Person {
  sub: string;
  email?: string;
  email_verified?: boolean;
  name?: string;
}

export type Claims = Record<string, unknown>;
export type Json = Record<string, unknown>;

export interface OidcPeerOptions {
  /** where it may send people back to */
  redirectUri: string;
  /** whether the ID token says the e-mail too, and not only the userinfo endpoint */
  fullIdToken?: boolean;
}

export type OidcPeer = Awaited<ReturnType<typeof openOidcPeer>>;

const CLIENT = { id: "holdfast", secret: "a secret of 32 bytes, at the least" } as const;

/**
 * A real OpenID Connect provider (`oidc-provider`) on loopback, which wants PKCE. What it says goes through a proxy that may
 * change it on its way.
 */
export async function openOidcPeer({ redirectUri, fullIdToken = false }: OidcPeerOptions) {
  const people = new Map<string, Person>();
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: "jwk" }), kid: "peer", alg: "RS256", use: "sig" };
  const inner = createServer();
  await listen(inner);
  /** paths that were asked for */
  const asked: string[] = [];
  let tamper: ((path: string, answer: Json) => Json) | undefined;
  let hear: ((path: string, body: string) => void) | undefined;
  const front = createServer((request, response) => {
    const { url = "" } = request;
    asked.push(url);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => hear?.(url, Buffer.concat(chunks).toString()));
    forward(portOf(inner), request, response, (path, answer) => tamper?.(path, answer) ?? answer);
  });
  await listen(front);
  const issuer = `http://127.0.0.1:${portOf(front)}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: "client_secret_basic",
      },
    ],
    claims: { email: ["email", "email_verified"], profile: ["name"] },
    conformIdTokenClaims: !fullIdToken,
    pkce: { required: () => true },
    jwks: { keys: [key] },
    cookies: { keys: [randomUUID()] },
    findAccount: (_, sub) => {
      const person = people.get(sub);
      return person && { accountId: sub, claims: () => ({ ...person }) };
    },
  });
  inner.on("request", provider.callback());
  const servers = [front, inner];

  return {
    issuer,
    client: CLIENT,
    asked,
    /** for the environment of a server */
    env: { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: CLIENT.id, OIDC_CLIENT_SECRET: CLIENT.secret, OIDC_NAME: "Kelp ID" },
    /** Somebody new there, or somebody known with other facts. */
    add(person: Person): Person {
      people.set(person.sub, person);
      return person;
    },
    /** Changes the JSON of an endpoint on its way; `undefined` lets all pass as it is. */
    tamperWith(change: typeof tamper): void {
      tamper = change;
    },
    /** Calls back with what it is told. */
    listen(callback: typeof hear): void {
      hear = callback;
    },
    /** Signs claims as the provider does, or otherwise. */
    sign: (claims: Claims, how: Signing = {}) => signToken(claims, privateKey, how),
    /**
     * What a person does there whose browser was sent to `url`: signs in as somebody, and says yes to everything. Answers
     * where the provider sends the browser back to.
     */
    visit: (url: string, who: Person) => visit(url, who, redirectUri),
    async close(): Promise<void> {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
      await Promise.all(servers.filter(({ listening }) => listening).map((server) => once(server, "close")));
    },
  };
}

async function listen(server: Server): Promise<void> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
}
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** Hands a request on as it is, and the answer as `change` makes it where it is JSON. */
function forward(
  port: number,
  request: IncomingMessage,
  response: ServerResponse,
  change: (path: string, answer: Json) => Json,
): void {
  const { method, url = "/", headers } = request;
  const onward = httpRequest({ host: "127.0.0.1", port, method, path: url, headers }, (answer) => {
    const chunks: Buffer[] = [];
    answer.on("data", (chunk: Buffer) => chunks.push(chunk));
    answer.on("end", () => {
      const bytes = Buffer.concat(chunks);
      const isJson = String(answer.headers["content-type"]).startsWith("application/json");
      const body = isJson ? JSON.stringify(change(url, JSON.parse(bytes.toString()) as Json)) : bytes;
      const { "content-length": _length, "transfer-encoding": _encoding, ...rest } = answer.headers;
      response.writeHead(answer.statusCode ?? 500, rest).end(body);
    });
  });
  onward.on("error", () => response.destroy());
  request.pipe(onward);
}

async function visit(url: string, { sub }: Person, redirectUri: string): Promise<URL> {
  const jar = createCookieJar();
  let response = await go(jar, url);
  for (let step = 0; step < 10; step += 1) {
    const next = response.headers.get("location");
    if (next === null) throw new Error(`the provider stops: ${response.status} ${await response.text()}`);
    const target = new URL(next, url);
    if (target.href.startsWith(redirectUri)) return target;
    const isPage = target.pathname.startsWith("/interaction/");
    response = isPage ? await answerPage(jar, target, sub) : await go(jar, target.href);
  }
  throw new Error("the provider sends the browser around in circles");
}

/** Fills in the form of a page: to sign in, or to consent. */
async function answerPage(jar: CookieJar, page: URL, login: string): Promise<Response> {
  const form = await (await go(jar, page.href)).text();
  const prompt = /name="prompt" value="(\w+)"/.exec(form)?.[1] ?? "";
  return go(jar, page.href, new URLSearchParams({ prompt, login, password: "any" }));
}

async function go(jar: CookieJar, url: string, form?: URLSearchParams): Promise<Response> {
  const response = await fetch(url, {
    redirect: "manual",
    headers: { cookie: jar.header() },
    ...(form && { method: "POST", body: form }),
  });
  jar.keep(response);
  return response;
}

export interface Signing {
  alg?: "RS256" | "HS256" | "none";
  kid?: string;
  /** instead of the provider's */
  key?: KeyObject;
  /** for HS256 */
  secret?: string;
}

const segment = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function signToken(
  claims: Claims,
  own: KeyObject,
  { alg = "RS256", kid = "peer", key = own, secret = "" }: Signing,
): string {
  const signed = `${segment({ alg, kid, typ: "JWT" })}.${segment(claims)}`;
  switch (alg) {
    case "none":
      return `${signed}.`;
    case "HS256":
      return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
    case "RS256":
      return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
  }
}

/** What a token says, whoever signed it. */
export const claimsOf = (token: unknown): Claims =>
  JSON.parse(Buffer.from(String(token).split(".")[1] ?? "", "base64url").toString()) as Claims;
