import type { PolicyBus, PolicyEvent } from "#server/bus/policy-bus.ts";
import type { AccountPrincipal } from "./principal.ts";

/** Ends what is open on the strength of a right once that right may be gone. */
export interface LiveRights {
  /**
   * @param end called once when something changed that the principal's rights hang on; whoever still has them comes back
   * @returns stops watching
   */
  hold(principal: AccountPrincipal, end: (event: PolicyEvent) => void): () => void;
}

export function openLiveRights(bus: Pick<PolicyBus, "subscribe">): LiveRights {
  const held = new Set<{ principal: AccountPrincipal; end: (event: PolicyEvent) => void }>();
  bus.subscribe((event) => {
    for (const one of held) {
      if (!concerns(event, one.principal)) continue;
      held.delete(one);
      one.end(event);
    }
  });
  return {
    hold(principal, end) {
      const one = { principal, end };
      held.add(one);
      return () => held.delete(one);
    },
  };
}

/** Whether what a principal may do can be different after an event. */
export function concerns(event: PolicyEvent, { accountId, workspaceId, credential }: AccountPrincipal): boolean {
  switch (event.type) {
    case "session-ended":
      return credential.type === "session" && credential.sessionId === event.sessionId;
    case "token-revoked":
      return credential.type === "token" && credential.tokenId === event.tokenId;
    case "membership-changed":
      return accountId === event.accountId && workspaceId === event.workspaceId;
  }
}
