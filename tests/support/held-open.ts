import WebSocket from "ws";
import { WORKSPACE_PARAMETER } from "#shared/protocol/account-header.ts";
import { MULTIPLEX_SUBPROTOCOL, encodeChannelMessage } from "#shared/protocol/multiplex.ts";
import { SYNC_SUBPROTOCOL } from "#shared/protocol/sync-frames.ts";
import { conversationRoom } from "./attacked-server.ts";
import { inWorkspace } from "./written-chat.ts";

/** Something that a program holds open and listens to. */
export interface HeldOpen {
  what: "socket" | "shared socket" | "event stream" | "long-poll";
  /** when something was heard, by `performance.now()` */
  heardAt: readonly number[];
  /** when it ended, and how: a close code, the last event, or the answer */
  ended: Promise<{ at: number; how: string }>;
  isOver(): boolean;
  /** Lets go, where it is not over. */
  close(): void;
}

export interface HoldingOptions {
  url: string;
  /** the credential */
  headers: Record<string, string>;
  /** where it is opened */
  workspaceId: string;
}

function heldBy(
  what: HeldOpen["what"],
  hold: (heard: () => void, end: (how: string) => void) => () => void,
): Promise<HeldOpen> {
  const heardAt: number[] = [];
  let over = false;
  return new Promise((resolve) => {
    let close: (() => void) | undefined;
    const ended = new Promise<{ at: number; how: string }>((end) => {
      const heard = (): void => {
        heardAt.push(performance.now());
        resolve({ what, heardAt, ended, isOver: () => over, close: () => close?.() });
      };
      close = hold(heard, (how) => {
        over = true;
        end({ at: performance.now(), how });
      });
    });
  });
}

/** A socket of one room, or one of many with that room on a channel. Resolves once the room said something. */
export function holdSocket(
  { url, headers, workspaceId }: HoldingOptions,
  conversationId: string,
  shared: boolean,
): Promise<HeldOpen> {
  const room = conversationRoom(conversationId);
  const path = `${shared ? "/sync" : `/sync/${room}`}?${WORKSPACE_PARAMETER}=${workspaceId}`;
  return heldBy(shared ? "shared socket" : "socket", (heard, end) => {
    const protocol = shared ? MULTIPLEX_SUBPROTOCOL : SYNC_SUBPROTOCOL;
    const socket = new WebSocket(url.replace("http", "ws") + path, [protocol], {
      headers: { origin: url, ...headers },
    });
    socket.on("open", () => shared && socket.send(encodeChannelMessage({ type: "open", channel: 0, room })));
    socket.on("message", heard);
    socket.on("close", (code) => end(String(code)));
    socket.on("error", () => undefined); // `close` follows
    return () => socket.terminate();
  });
}

/** The events of a run as they come. Resolves at the first. */
export function holdStream({ url, headers, workspaceId }: HoldingOptions, runId: string): Promise<HeldOpen> {
  return heldBy("event stream", (heard, end) => {
    const leaving = new AbortController();
    void readAll();
    return () => leaving.abort();

    async function readAll(): Promise<void> {
      let last = "";
      try {
        const answer = await fetch(`${url}/api/runs/${runId}/events`, {
          headers: { ...headers, ...inWorkspace(workspaceId) },
          signal: leaving.signal,
        });
        for await (const bytes of answer.body ?? []) {
          last = Buffer.from(bytes).toString();
          heard();
        }
        end(/event: (bye\ndata: .*)\n\n$/.exec(last)?.[1]?.replace("\ndata:", "") ?? `cut after ${last}`);
      } catch (error) {
        end(String(error));
      }
    }
  });
}

/** A question for what comes after an event. Is answered once; resolves when it was asked. */
export function holdPoll(
  { url, headers, workspaceId }: HoldingOptions,
  runId: string,
  after: number,
): Promise<HeldOpen> {
  return heldBy("long-poll", (heard, end) => {
    const leaving = new AbortController();
    void wait();
    // The server has taken it by then: what comes later is asked later.
    setTimeout(heard, 300);
    return () => leaving.abort();

    async function wait(): Promise<void> {
      try {
        const answer = await fetch(`${url}/api/runs/${runId}/events?after=${after}&wait=25`, {
          headers: { ...headers, ...inWorkspace(workspaceId) },
          signal: leaving.signal,
        });
        const body = (await answer.json()) as { code?: string; events?: unknown[] };
        end(`${answer.status} ${body.code ?? `${body.events?.length} events`}`);
      } catch (error) {
        end(String(error));
      }
    }
  });
}
