import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import type { OidcStarted } from "#shared/protocol/oidc-bodies.ts";
import { cookiesOf, newEmail, postAuth } from "./account.ts";
import { openOidcPeer } from "./oidc-peer.ts";
import { openServerProcess } from "./server-process.ts";

export type OidcScene = Awaited<ReturnType<typeof openOidcScene>>;

/** A server process, and a provider that people sign in to it with. */
export async function openOidcScene() {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const peer = await openOidcPeer({ redirectUri: `${url}/api/auth/callback/oidc` });
  const server = await openServerProcess({ env: { PORT: String(port), PUBLIC_URL: url, ...peer.env } });
  let people = 0;
  return {
    server,
    /** Somebody new goes to the provider and signs in there; answers with what their browser comes back. */
    async comingBack(): Promise<{ query: string; cookie: string }> {
      const started = await postAuth(url, "oidc/start", {});
      const who = peer.add({ sub: `person-${(people += 1)}`, email: newEmail(), email_verified: true });
      const back = await peer.visit(((await started.json()) as OidcStarted).url, who);
      return { query: back.search, cookie: cookiesOf(started) };
    },
    async close(): Promise<void> {
      await server.close();
      await peer.close();
    },
  };
}

/** Where people are sent back to is set before the server listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
