import type { LocalDocument } from "#client/local-store/local-document.ts";
import { FROM_SERVER } from "#client/local-store/local-document.ts";
import type { Platform, Socket } from "#client/platform/platform.ts";
import { formatRoomName } from "#shared/domain/room-name.ts";
import { CloseCode, isFinalClose } from "#shared/protocol/close-codes.ts";
import { SYNC_SUBPROTOCOL } from "#shared/protocol/sync-frames.ts";
import { isFinalForDocument, mayRestart } from "./restart-state.ts";
import type { News } from "./restart-state.ts";
import { createEngine } from "./engine-state.ts";
import type { DigestCode } from "./engine-state.ts";
import type { EngineEffect, EngineInput, EngineView } from "./engine-events.ts";

/** What a connection tells of the server and of itself. */
export interface ConnectionHost {
  /** something came from the server */
  contact(): void;
  /** the socket closed, or never opened */
  failure(): void;
  /** the server stored edits of ours */
  acknowledged(): void;
  /** both copies claim to be the same and are not */
  diverged(): void;
  /** ours is the wrong one, and this is all the server has */
  heal(document: LocalDocument, state: Uint8Array): void;
  /** some document of this account changed on the server */
  feedMoved(): void;
  changed(): void;
  digest: DigestCode;
}

export interface Connection {
  view(): EngineView;
  /** whether the server ended it because there is no such document any more */
  gone(): boolean;
  /** The server answers again on another way: there is no reason to wait any longer. */
  serverIsBack(): void;
  /** The server takes our session: comes back if it ended for the lack of one. */
  sessionWorks(): void;
}

/** Keeps a document and its room equal until the signal ends: an engine with a real socket, clock and network. */
export function openConnection(
  platform: Pick<Platform, "clock" | "random" | "openSocket" | "connectivity">,
  document: LocalDocument,
  host: ConnectionHost,
  signal: AbortSignal,
): Connection {
  const { clock, connectivity } = platform;
  const engine = createEngine({
    doc: document.doc,
    remoteOrigin: FROM_SERVER,
    random: platform.random,
    digest: host.digest,
  });
  let socket: Socket | undefined;
  let cancelTimer: (() => void) | undefined;
  let startedAt = clock.now();
  let endedWith: number | undefined;

  function start(): void {
    startedAt = clock.now();
    endedWith = undefined;
    handle({ type: "start" });
  }

  function onNews(news: News): void {
    if (endedWith !== undefined && mayRestart(clock.now(), { code: endedWith, startedAt }, news)) start();
  }

  function handle(input: EngineInput): void {
    for (const effect of engine.handle(clock.now(), input)) carryOut(effect);
    setTimer();
    host.changed();
  }

  function setTimer(): void {
    cancelTimer?.();
    const { timerAt } = engine.view();
    cancelTimer =
      timerAt === undefined
        ? undefined
        : clock.after(Math.max(0, timerAt - clock.now()), () => handle({ type: "tick" }));
  }

  function carryOut(effect: EngineEffect): void {
    switch (effect.type) {
      case "connect":
        return openSocket();
      case "send":
        return socket?.send(effect.message);
      case "disconnect":
        closeSocket();
        return signal.aborted ? undefined : host.failure();
      case "settled":
        document.acknowledged(effect.through, effect.headSeq);
        return host.acknowledged();
      case "arrived":
        return document.arrived();
      case "ended":
        endedWith = effect.code;
        return document.ended(effect.code);
      case "feed-moved":
        return host.feedMoved();
      case "diverged":
        return host.diverged();
      case "heal":
        return host.heal(document, effect.state);
      // Both show in `view()`.
      case "refused":
      case "accepted":
    }
  }

  function openSocket(): void {
    closeSocket();
    const room = formatRoomName({ kind: "conversation", id: document.id, epoch: document.epoch() });
    const opened: Socket = platform.openSocket(`/sync/${room}`, [SYNC_SUBPROTOCOL], {
      onOpen: () => isCurrent() && hear({ type: "opened" }),
      onMessage: (message) => isCurrent() && hear({ type: "received", message }),
      onClose(code) {
        if (!isCurrent()) return;
        socket = undefined;
        // A server that says what is wrong was reached; one that wants a new session lets nothing through.
        if (isFinalClose(code) && code !== CloseCode.unauthenticated) host.contact();
        else host.failure();
        handle({ type: "closed", code });
      },
    });
    socket = opened;
    const isCurrent = (): boolean => socket === opened;
  }

  function hear(input: EngineInput): void {
    host.contact();
    handle(input);
  }

  function closeSocket(): void {
    const closing = socket;
    socket = undefined;
    closing?.close();
  }

  const stops = [
    connectivity.onWake(() => {
      handle({ type: "wake" });
      onNews("wake");
    }),
    connectivity.onOffline(() => handle({ type: "offline" })),
  ];
  signal.addEventListener(
    "abort",
    () => {
      for (const stop of stops) stop();
      handle({ type: "stop" });
    },
    { once: true },
  );
  void document.loaded.then(() => {
    if (signal.aborted) return undefined;
    stops.push(document.onEdit((token, update) => handle({ type: "local", token, update })));
    return start();
  });

  return {
    view: () => engine.view(),
    gone: () => endedWith !== undefined && isFinalForDocument(endedWith),
    serverIsBack() {
      if (engine.view().connection === "waiting") handle({ type: "wake" });
    },
    sessionWorks: () => onNews("session"),
  };
}
