import type { WebSocket } from "ws";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import type { LiveRights } from "#server/access/live-rights.ts";
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

/** Drops a peer that is gone, and one whose rights ended or changed. */
export function watchOver(
  ws: WebSocket,
  transport: SessionTransport,
  { principal, headers }: { principal: AccountPrincipal; headers: Headers },
  { rights, resolvePrincipal, log, pingMs = PING_MS, recheckMs = RECHECK_MS }: WatchOptions & { rights: LiveRights },
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

  const release = rights.hold(principal, ({ type }) => {
    if (type !== "membership-changed") return transport.close(CloseCode.unauthenticated, "session-ended");
    void recheck("changed");
  });
  // Rights that ended while the socket was opened were not held yet.
  void recheck();

  /** @param found whether it is known that something is different */
  async function recheck(found?: "changed"): Promise<void> {
    try {
      const now = await resolvePrincipal(headers);
      if (now?.accountId !== principal.accountId || now.workspaceId !== principal.workspaceId) {
        if (found) transport.close(CloseCode.forbidden, "right-withdrawn");
        else transport.close(CloseCode.unauthenticated, "session-ended");
      } else if (found || now.role !== principal.role) {
        // Rooms were joined with the rights of before; the client comes back with those of now.
        transport.close(CloseCode.tryAgainLater, "rights-changed");
      }
    } catch (error) {
      if (found) transport.close(CloseCode.tryAgainLater, "rights-changed");
      // A database that cannot answer now proves nothing about the session; the next check will.
      log.warn({ err: error }, "a session could not be checked");
    }
  }
  return {
    stop() {
      release();
      clearInterval(pings);
      clearInterval(rechecks);
    },
  };
}
