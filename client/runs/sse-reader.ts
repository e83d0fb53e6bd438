/** One event of a stream, before anyone looked at what its data means. */
export interface SseEvent {
  /** the SSE event name; "message" where the stream named none */
  name: string;
  data: string;
  /** the id written in this very event: an event without one moves no cursor */
  id: string | undefined;
}

export interface SseReader {
  /** Takes the next bytes and answers the events they complete. Throws `SseOverflow` past the bound. */
  push(bytes: Uint8Array): SseEvent[];
}

/** A stream whose event has no end within the bound: not ours, or mangled on the way. */
export class SseOverflow extends Error {
  override readonly name = "SseOverflow";
}

/** Largest event taken, in UTF-16 units; the server's frames are at most 64 KiB, snapshots at most a few MiB. */
const LONGEST_EVENT = 16 * 1024 * 1024;

/**
 * Reads the event stream format (WHATWG HTML §9.2.6) from bytes cut anywhere, also inside a character or
 * between CR and LF. What is buffered is bounded by one event.
 */
export function createSseReader(longestEvent = LONGEST_EVENT): SseReader {
  const decoder = new TextDecoder();
  let rest = "";
  let searchFrom = 0;
  let event = emptyEvent();
  let size = 0;

  function takeLine(line: string, events: SseEvent[]): void {
    size += line.length;
    if (line !== "") {
      event = withField(event, line);
      return;
    }
    const { name, data, id } = event;
    if (data !== undefined) events.push({ name, data, id });
    event = emptyEvent();
    size = 0;
  }

  return {
    push(bytes) {
      const events: SseEvent[] = [];
      rest += decoder.decode(bytes, { stream: true });
      const lineEnd = /\r\n|\n|\r(?!$)/g;
      let start = 0;
      lineEnd.lastIndex = searchFrom;
      for (let found = lineEnd.exec(rest); found; found = lineEnd.exec(rest)) {
        takeLine(rest.slice(start, found.index), events);
        start = lineEnd.lastIndex;
      }
      rest = rest.slice(start);
      // A CR at the very end may be half of a CRLF, so the search resumes on it.
      searchFrom = Math.max(0, rest.length - 1);
      if (rest.length + size > longestEvent) throw new SseOverflow("an event of the stream has no end");
      return events;
    },
  };
}

interface Unfinished {
  name: string;
  data: string | undefined;
  id: string | undefined;
}

const emptyEvent = (): Unfinished => ({ name: "message", data: undefined, id: undefined });

function withField(event: Unfinished, line: string): Unfinished {
  const colon = line.indexOf(":");
  if (colon === 0) return event; // a comment, such as the heartbeat
  const field = colon === -1 ? line : line.slice(0, colon);
  const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
  switch (field) {
    case "event":
      return { ...event, name: value || "message" };
    case "data":
      return { ...event, data: event.data === undefined ? value : `${event.data}\n${value}` };
    case "id":
      return value.includes("\0") ? event : { ...event, id: value };
    default:
      return event; // `retry` and unknown fields: our own timers decide
  }
}
