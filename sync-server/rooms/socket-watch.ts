import type { WebSocket } from "ws";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { RoomLogger } from "./room-driver.ts";
import type { SessionTransport } from "./rooms.ts";

/** A peer is asked for a sign of life so often, and given up after two silences. */
const PING_MS = 15_000;
/** Rights end at the latest so long after the session behind them. */
const RECHECK_MS = 60_000;

export interface WatchOptions {
  resolvePrincipal(headers: Headers): Promise<AccountPrincipal | undefined>;
  log: RoomLogger;
  /** in ms; the defaults are 15 s and 60 s */
  pingMs?: number;
  recheckMs?: number;
}

/** Drops a peer that is gone, and one whose session ended. */
export function watchOver(
  ws: WebSocket,
  transport: SessionTransport,
  { principal, headers }: { principal: AccountPrincipal; headers: Headers },
  { resolvePrincipal, log, pingMs = PING_MS, recheckMs = RECHECK_MS }: WatchOptions,
): { stop: () => void } {
  let silences = 0;
  ws.on("pong", () => {
    silences = 0;
  });
  const pings = setInterval(() => {
    if (silences >= 2) return ws.terminate();
    silences += 1;
    if (ws.readyState === ws.OPEN) ws.ping();
  }, pingMs);
  const rechecks = setInterval(() => void recheck(), recheckMs);

  async function recheck(): Promise<void> {
    try {
      const now = await resolvePrincipal(headers);
      const same = now?.accountId === principal.accountId && now.workspaceId === principal.workspaceId;
      if (!same) transport.close(CloseCode.unauthenticated, "session-ended");
    } catch (error) {
      // A database that cannot answer now proves nothing about the session; the next check will.
      log.warn({ err: error }, "a session could not be checked");
    }
  }
  return {
    stop() {
      clearInterval(pings);
      clearInterval(rechecks);
    },
  };
}
