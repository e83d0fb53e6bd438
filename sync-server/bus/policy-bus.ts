import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";

/** Something somebody could do until now. What is open on the strength of it ends within 2 s. */
export type PolicyEvent =
  /** signed out, ended from another device, or replaced by a new one */
  | { type: "session-ended"; sessionId: string }
  /** joined, left, removed, or of another role; or the workspace is gone */
  | { type: "membership-changed"; accountId: AccountId; workspaceId: WorkspaceId }
  | { type: "token-revoked"; tokenId: string };

/**
 * Tells all who hold something open, or know something by heart, that rights changed. Published after the change is
 * durable: whoever looks again finds the new state.
 */
export interface PolicyBus {
  publish(event: PolicyEvent): void;
  subscribe(listener: (event: PolicyEvent) => void): () => void;
}

/** The bus of one process. */
export function createPolicyBus(): PolicyBus {
  const listeners = new Set<(event: PolicyEvent) => void>();
  return {
    publish(event) {
      for (const listener of listeners) listener(event);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
