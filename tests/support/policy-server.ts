import { openAttackedServer } from "./attacked-server.ts";
import { freePort } from "./oidc-scene.ts";
import { openOidcPeer } from "./oidc-peer.ts";
import { openPolicyCast } from "./policy-cast.ts";
import type { CallerName } from "./policy-cast.ts";

export type PolicyServer = Awaited<ReturnType<typeof openPolicyServer>>;

/** A server where everything can be asked for, also a provider to sign in with, and everybody who asks. */
export async function openPolicyServer() {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const peer = await openOidcPeer({ redirectUri: `${url}/api/auth/callback/oidc` });
  const env = { PORT: String(port), PUBLIC_URL: url, METRICS_TOKEN: "only-for-prometheus", ...peer.env };
  const target = await openAttackedServer(env);
  const cast = { ...(await openPolicyCast(target)), port };
  return {
    target,
    cast,
    caller(name: CallerName) {
      const found = cast.callers.find((one) => one.name === name);
      if (found === undefined) throw new Error(`nobody is called ${name}`);
      return found;
    },
    async close(): Promise<void> {
      await target.close();
      await peer.close();
    },
  };
}
