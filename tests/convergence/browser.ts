import type { Locks } from "#client/platform/locks.ts";
import type { SmallStorage } from "#client/platform/small-storage.ts";
import type { Broadcast } from "#client/platform/platform.ts";
import type { Owner, World } from "./world.ts";

/** What the tabs of one browser share besides the store. */
export interface SharedBrowser {
  openBroadcast(name: string, owner: Owner, signal: AbortSignal): Broadcast;
  locksFor(owner: Owner): Locks;
  smallStorage: SmallStorage;
  /** For so many ms a lock is given to whoever asks, also while another tab holds it. */
  shareLocks(ms: number): void;
  /** Frees what dead tabs held. */
  reap(): void;
}

interface Channel {
  name: string;
  owner: Owner;
  callbacks: Set<(message: unknown) => void>;
  /** when the last message on its way arrives: a channel keeps order */
  lastAt: number;
}

interface Waiter {
  owner: Owner;
  grant: () => void;
}

export function createSharedBrowser(world: World, name: string): SharedBrowser {
  const chance = world.chance(`browser ${name}`);
  const channels = new Set<Channel>();
  const locks = new Map<string, { holders: Set<Owner>; waiters: Waiter[] }>();
  const texts = new Map<string, string>();
  let sharedUntil = 0;

  function openBroadcast(channel: string, owner: Owner, signal: AbortSignal): Broadcast {
    const own: Channel = { name: channel, owner, callbacks: new Set(), lastAt: 0 };
    channels.add(own);
    signal.addEventListener("abort", () => channels.delete(own), { once: true });
    return {
      post(message) {
        if (owner.dead) return;
        const copy = structuredClone(message);
        for (const other of channels) {
          if (other === own || other.name !== channel) continue;
          other.lastAt = Math.max(other.lastAt, world.now() + chance.delay(0, 40));
          const arrive = (): void => other.callbacks.forEach((callback) => callback(copy));
          world.after(other.lastAt - world.now(), arrive, other.owner);
        }
      },
      onMessage(callback) {
        own.callbacks.add(callback);
        return () => own.callbacks.delete(callback);
      },
    };
  }

  const lockOf = (lock: string) => {
    const one = locks.get(lock) ?? { holders: new Set<Owner>(), waiters: [] };
    locks.set(lock, one);
    return one;
  };

  function grantNext(lock: string): void {
    const { holders, waiters } = lockOf(lock);
    while (waiters.length > 0 && (holders.size === 0 || world.now() < sharedUntil)) {
      const next = waiters.shift();
      if (next === undefined || next.owner.dead) continue;
      holders.add(next.owner);
      world.after(0, next.grant, next.owner);
    }
  }

  const locksFor = (owner: Owner): Locks => ({
    async hold(lock, signal, work) {
      const { holders, waiters } = lockOf(lock);
      // One tab may hold the same lock twice while locks are shared: each hold is a holder of its own.
      const holder: Owner = {
        get dead() {
          return owner.dead;
        },
      };
      await new Promise<void>((resolve, reject) => {
        const waiter = { owner: holder, grant: resolve };
        waiters.push(waiter);
        const leave = (): void => {
          const at = waiters.indexOf(waiter);
          if (at < 0) return;
          waiters.splice(at, 1);
          reject(signal.reason as Error);
        };
        signal.addEventListener("abort", leave, { once: true });
        grantNext(lock);
      });
      try {
        return await work();
      } finally {
        holders.delete(holder);
        grantNext(lock);
      }
    },
  });

  return {
    openBroadcast,
    locksFor,
    smallStorage: {
      read: (key) => texts.get(key),
      write(key, text) {
        texts.set(key, text);
        return true;
      },
    },
    shareLocks(ms) {
      sharedUntil = world.now() + ms;
      for (const lock of locks.keys()) grantNext(lock);
    },
    reap() {
      for (const channel of channels) if (channel.owner.dead) channels.delete(channel);
      for (const [lock, { holders }] of locks) {
        for (const holder of holders) if (holder.dead) holders.delete(holder);
        grantNext(lock);
      }
    },
  };
}
