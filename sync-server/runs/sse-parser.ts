import { StringDecoder } from "node:string_decoder";

/** One event of a stream, or a comment (which only says that the other side lives). */
export type SseEvent = { type: "event"; name: string; data: string } | { type: "comment" };

/** Largest event a provider may send, in UTF-16 units of its lines. */
export const MAX_EVENT_LENGTH = 1024 * 1024;

export interface SseParser {
  /** Takes the next bytes and answers the events they complete. Answers `undefined` once an event is too large. */
  push(bytes: Uint8Array): SseEvent[] | undefined;
}

const LF = 10;
const CR = 13;

/**
 * Reads `text/event-stream` bytes (WHATWG HTML §9.2.6), however they are cut: lines end with LF, CR or CRLF,
 * a byte order mark at the start is skipped, characters may be split. Memory is bounded by `limit`.
 * A last event without its blank line is dropped, as the standard says.
 */
export function createSseParser(limit = MAX_EVENT_LENGTH): SseParser {
  // Costs a fraction of what a TextDecoder does, but leaves the byte order mark in.
  const decoder = new StringDecoder("utf8");
  let begun = false;
  let rest = "";
  let data: string[] = [];
  let size = 0;
  let name = "";
  let afterCr = false;
  let broken = false;

  function line(text: string, events: SseEvent[]): void {
    if (text === "") {
      if (data.length > 0) events.push({ type: "event", name: name || "message", data: data.join("\n") });
      data = [];
      size = 0;
      name = "";
      return;
    }
    if (text.startsWith(":")) return void events.push({ type: "comment" });
    const colon = text.indexOf(":");
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(text[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") name = value;
    if (field !== "data") return;
    data.push(value);
    size += value.length + 1;
  }

  /** Lines end with LF alone wherever there is no CR, and that is nearly everywhere. */
  function linesByLf(text: string, events: SseEvent[]): void {
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      line(rest + text.slice(start, end), events);
      rest = "";
      start = end + 1;
    }
    rest += text.slice(start);
  }

  function lines(text: string, events: SseEvent[]): void {
    let start = 0;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit === LF && afterCr && i === start) {
        start = i + 1;
        afterCr = false;
        continue;
      }
      afterCr = false;
      if (unit !== LF && unit !== CR) continue;
      const end = i;
      afterCr = unit === CR;
      line(rest + text.slice(start, end), events);
      rest = "";
      start = i + 1;
    }
    rest += text.slice(start);
  }

  function decode(bytes: Uint8Array): string {
    const text = decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    if (begun || text === "") return text;
    begun = true;
    return text.startsWith("\uFEFF") ? text.slice(1) : text;
  }

  return {
    push(bytes) {
      if (broken) return undefined;
      const events: SseEvent[] = [];
      const text = decode(bytes);
      if (afterCr || text.includes("\r")) lines(text, events);
      else linesByLf(text, events);
      broken = size + rest.length > limit;
      return broken ? undefined : events;
    },
  };
}
