import type { OpenSocket } from "#client/platform/platform.ts";
import { parseChannelMessage } from "#shared/protocol/multiplex.ts";
import type { Chance, Owner, World } from "./world.ts";

/** One simulated connection: two ordered directions with delay, that can be cut, or go silent without a word. */
export interface Link<Up, Down> {
  toServer(message: Up): void;
  toClient(message: Down): void;
  /** An end closes it; the other hears of it later. */
  close(from: "client" | "server", code: number): void;
}

export interface LinkEnds<Up, Down> {
  onClientMessage(message: Down): void;
  onClientClosed(code: number): void;
  onServerMessage(message: Up): void;
  onServerClosed(): void;
}

export interface Rates {
  /** per message: the link dies here */
  cut: number;
  /** per message: from here on both directions swallow everything, and nobody is told */
  halfOpen: number;
  /** per message from the server that may come twice: it does */
  duplicate: number;
  /** per request: it, or its answer, is lost */
  lost: number;
}

const NO_FAULTS: Rates = { cut: 0, halfOpen: 0, duplicate: 0, lost: 0 };
/** How long a server needs to find out by itself that a silent peer is gone. */
const DEAD_PEER_MS = 30_000;
export const CUT = 1006;

/** The way of one device to the server. Within a link order holds, as TCP promises; between links nothing holds. */
export interface Network {
  /** Opens a link; calls `opened` when it stands. Refused where the network is down. */
  open<Up, Down>(owner: Owner, ends: LinkEnds<Up, Down>, opened: () => void): Link<Up, Down>;
  /** Cuts every link at once; what was under way may still arrive at the server. */
  cutAll(): void;
  /** Ends what a dead owner had open, as its system does. */
  drop(owner: Owner): void;
  /** Nothing of this owner's gets anywhere for so many ms; it is late, not lost. */
  stall(owner: Owner, ms: number): void;
  setDown(down: boolean): void;
  readonly down: boolean;
  readonly chance: Chance;
  rates(): Rates;
  /** no more faults from now on */
  heal(): void;
}

export function createNetwork(world: World, name: string, initialRates: Rates): Network {
  const chance = world.chance(`network ${name}`);
  const cuts = new Set<(code: number) => void>();
  const stalled = new WeakMap<Owner, number>();
  const closes = new Map<() => void, Owner>();
  let down = false;
  let rates = initialRates;

  function open<Up, Down>(owner: Owner, ends: LinkEnds<Up, Down>, opened: () => void): Link<Up, Down> {
    let state: "opening" | "open" | "silent" | "closed" = "opening";
    const lastAt = { client: 0, server: 0 };

    // What left one end before a cut may still arrive at the other: a late frame of an old connection.
    function deliver(to: "client" | "server", arrive: () => void): void {
      const at = Math.max(
        lastAt[to],
        stalled.get(owner) ?? 0,
        world.now() + chance.delay(1, to === "server" ? 250 : 80),
      );
      lastAt[to] = at;
      world.after(at - world.now(), arrive, to === "client" ? owner : undefined);
    }

    function end(code: number): void {
      if (state === "closed") return;
      const known = state !== "opening";
      close();
      deliver("client", () => ends.onClientClosed(code));
      if (known) deliver("server", () => ends.onServerClosed());
    }

    function close(): void {
      state = "closed";
      cuts.delete(end);
      closes.delete(closeByClient);
    }

    function closeByClient(): void {
      const wasSilent = state === "silent";
      const known = state === "open" || wasSilent;
      close();
      if (wasSilent) world.after(DEAD_PEER_MS, () => ends.onServerClosed());
      else if (known) deliver("server", () => ends.onServerClosed());
    }

    /** Whether a message gets through; what does not has had its effect on the link. */
    function passes(lateToServer: (() => void) | undefined): boolean {
      if (state !== "open") return false;
      if (down || chance.is(rates.halfOpen)) {
        state = "silent";
        return false;
      }
      if (!chance.is(rates.cut)) return true;
      if (lateToServer && chance.is(0.5)) deliver("server", lateToServer);
      end(CUT);
      return false;
    }

    world.after(chance.delay(1, 200), () => {
      if (state !== "opening") return;
      if (owner.dead) return close();
      if (down) return end(CUT);
      state = "open";
      opened();
    });
    cuts.add(end);
    closes.set(closeByClient, owner);

    return {
      toServer(message) {
        if (owner.dead) return;
        const arrive = (): void => ends.onServerMessage(message);
        if (passes(arrive)) deliver("server", arrive);
      },
      toClient(message) {
        if (!passes(undefined)) return;
        deliver("client", () => ends.onClientMessage(message));
        if (isContent(message) && chance.is(rates.duplicate)) deliver("client", () => ends.onClientMessage(message));
      },
      close(from, code) {
        if (from === "client") closeByClient();
        else if (state === "open" || state === "opening") end(code);
      },
    };
  }

  return {
    open,
    cutAll() {
      for (const cut of cuts) cut(CUT);
    },
    drop(owner) {
      for (const [close, of] of closes) if (of === owner) close();
    },
    stall: (owner, ms) => void stalled.set(owner, world.now() + ms),
    setDown(isDown) {
      down = isDown;
    },
    get down() {
      return down;
    },
    chance,
    rates: () => rates,
    heal() {
      down = false;
      rates = NO_FAULTS;
    },
  };
}

/** SyncStep2 and Update frames, alone or on a channel: the ones a client may see twice without harm. */
function isContent(message: unknown): boolean {
  if (!(message instanceof Uint8Array)) return false;
  const onChannel = parseChannelMessage(message);
  const frame = onChannel.ok && onChannel.value.type === "frame" ? onChannel.value.frame : message;
  return frame[0] === 0 && (frame[1] === 1 || frame[1] === 2);
}

/** What a server does with a socket that reached it. */
export interface Acceptor {
  accept(
    path: string,
    account: string,
    transport: { send(message: Uint8Array): void; close(code: number): void },
  ): { receive(message: Uint8Array): void; left(): void };
}

/** WebSockets of one tab over its device's network. */
export const socketsOf =
  (network: Network, server: Acceptor, account: string, owner: Owner): OpenSocket =>
  (path, _protocols, events) => {
    let session: ReturnType<Acceptor["accept"]> | undefined;
    let over = false;
    const link = network.open<Uint8Array, Uint8Array>(
      owner,
      {
        onClientMessage: (message) => {
          if (!over) events.onMessage(message);
        },
        onClientClosed(code) {
          if (over) return;
          over = true;
          events.onClose(code);
        },
        onServerMessage: (message) => session?.receive(message),
        onServerClosed: () => session?.left(),
      },
      () => {
        session = server.accept(path, account, {
          send: (message) => link.toClient(message),
          close: (code) => link.close("server", code),
        });
        if (!over) events.onOpen();
      },
    );
    return {
      send: (message) => link.toServer(message.slice()),
      close() {
        over = true;
        link.close("client", 1000);
      },
      bufferedBytes: () => 0,
    };
  };
