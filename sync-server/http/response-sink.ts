import type { ServerResponse } from "node:http";
import type { Follower, FollowerSink } from "#server/runs/followers.ts";

/** Headers of an event stream that proxies neither hold back nor change. */
const STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
  "x-content-type-options": "nosniff",
  vary: "authorization, cookie",
} as const;

/**
 * Opens an event stream on Node's own response, whose `write` tells when to wait. A first comment goes out
 * at once: some browsers hand over a response only with its first byte. Headers set on it before stay.
 */
export function openEventStream(response: ServerResponse, status: number): FollowerSink {
  response.writeHead(status, STREAM_HEADERS);
  response.socket?.setNoDelay(true);
  response.flushHeaders();
  response.write(": hello\nretry: 1000\n\n");
  return {
    write: (text) => response.write(text),
    bufferedBytes: () => response.writableLength,
    end: () => response.end(),
    destroy: () => response.destroy(),
  };
}

/** Lets a response tell its follower when it can take more, and when it is gone. */
export function connectResponse(response: ServerResponse, follower: Follower): void {
  response.on("drain", () => follower.drained());
  response.on("close", () => follower.left());
  response.on("error", () => follower.left());
  if (response.destroyed) follower.left();
}
