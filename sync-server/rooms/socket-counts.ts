/** 64 documents on several devices; beyond it an account only costs memory. */
const SOCKETS_PER_ACCOUNT = 512;

/** How many sockets, and channels of shared ones, each account has open. */
export interface SocketCounts {
  /** Counts one more; answers false where the account has too many. */
  take(accountId: string): boolean;
  release(accountId: string): void;
}

export function createSocketCounts(): SocketCounts {
  const counts = new Map<string, number>();
  return {
    take(accountId) {
      const open = counts.get(accountId) ?? 0;
      if (open >= SOCKETS_PER_ACCOUNT) return false;
      counts.set(accountId, open + 1);
      return true;
    },
    release(accountId) {
      const left = (counts.get(accountId) ?? 1) - 1;
      if (left > 0) counts.set(accountId, left);
      else counts.delete(accountId);
    },
  };
}
