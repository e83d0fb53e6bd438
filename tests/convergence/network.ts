import type { World } from "./world.ts";

/** One simulated WebSocket: two ordered directions with delay, that can be cut, or go silent without a word. */
export interface Link {
  /** Called by either end. */
  send(from: "client" | "server", message: Uint8Array): void;
  close(from: "client" | "server", code: number): void;
}

export interface LinkEnds {
  onClientMessage(message: Uint8Array): void;
  onClientClosed(code: number): void;
  onServerMessage(message: Uint8Array): void;
  onServerClosed(): void;
}

export interface Network {
  /** Opens a link; `opened` runs at both ends when it stands. Refused with 1006 where the network is down. */
  open(ends: LinkEnds, opened: () => void): Link;
  /** Cuts every link at once; what was under way may still arrive at the server. */
  cutAll(): void;
  setDown(down: boolean): void;
  /** no more faults from now on */
  heal(): void;
}

interface Faults {
  /** per message: the link dies here */
  cut: number;
  /** per message: from here on both directions swallow everything, and nobody is told */
  halfOpen: number;
  /** per message from the server that carries content: it arrives twice */
  duplicate: number;
}

/** The network of one device. Within a link order holds, as TCP promises; between links nothing holds. */
export function createNetwork(world: World, faults: Faults): Network {
  const cuts = new Set<(code: number) => void>();
  let down = false;
  let rates = faults;

  function open(ends: LinkEnds, opened: () => void): Link {
    let state: "opening" | "open" | "silent" | "closed" = "opening";
    const lastAt = { client: 0, server: 0 };

    // What left one end before a cut may still arrive at the other: a late frame of an old connection.
    const deliver = (to: "client" | "server", late: boolean, arrive: () => void): void => {
      const at = Math.max(lastAt[to], world.now() + world.delay(1, late ? 400 : 80));
      lastAt[to] = at;
      world.after(at - world.now(), arrive);
    };

    function end(code: number): void {
      if (state === "closed") return;
      state = "closed";
      cuts.delete(end);
      deliver("client", false, () => ends.onClientClosed(code));
      deliver("server", true, () => ends.onServerClosed());
    }

    world.after(world.delay(1, 200), () => {
      if (state !== "opening") return;
      if (down) return end(1006);
      state = "open";
      opened();
    });
    cuts.add(end);

    return {
      send(from, message) {
        if (state !== "open") return;
        if (down || world.chance(rates.halfOpen)) {
          state = "silent";
          return;
        }
        if (world.chance(rates.cut)) {
          if (from === "client" && world.chance(0.5)) deliver("server", true, () => ends.onServerMessage(message));
          return end(1006);
        }
        if (from === "client") return deliver("server", false, () => ends.onServerMessage(message));
        deliver("client", false, () => ends.onClientMessage(message));
        if (isContent(message) && world.chance(rates.duplicate))
          deliver("client", false, () => ends.onClientMessage(message));
      },
      close(from, code) {
        if (state === "silent" && from === "client") {
          state = "closed";
          cuts.delete(end);
          // The server learns of it by its own liveness check, much later.
          world.after(30_000, () => ends.onServerClosed());
          return;
        }
        if (from === "server" && (state === "open" || state === "opening")) return end(code);
        if (state === "closed") return;
        state = "closed";
        cuts.delete(end);
        deliver("server", true, () => ends.onServerClosed());
      },
    };
  }

  return {
    open,
    cutAll() {
      for (const cut of cuts) cut(1006);
    },
    setDown(isDown) {
      down = isDown;
    },
    heal() {
      down = false;
      rates = { cut: 0, halfOpen: 0, duplicate: 0 };
    },
  };
}

/** SyncStep2 and Update frames: the ones a client may see twice without harm. */
const isContent = (message: Uint8Array): boolean => message[0] === 0 && (message[1] === 1 || message[1] === 2);
