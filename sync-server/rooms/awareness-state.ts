import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { readUint } from "#shared/protocol/read-uint.ts";
import type { SessionId } from "./room-events.ts";

/** Longest state of one participant, in UTF-16 code units of its JSON: a name, a colour, a cursor. */
export const AWARENESS_STATE_LENGTH = 4 * 1024;
/** A connection speaks for itself, and for a second Y.Doc at most while it changes its clientID. */
const CLIENTS_PER_SESSION = 4;
/** Stock peers repeat what they know of everybody, so as many as one account's sockets may show. */
export const AWARENESS_ENTRIES = 2_048;

interface Entry {
  client: number;
  clock: number;
  /** JSON, kept as text: only participants read it */
  state: string;
}
export interface Presence extends Entry {
  session: SessionId;
}

/** The latest state of each participant by clientID. Never stored. */
export type Awareness = ReadonlyMap<number, Presence>;

const GONE = "null";

/**
 * Takes what one session says about presence (R13): only about clientIDs nobody else here speaks for, only
 * newer than what is known, at most 4 KiB each. The format is that of y-protocols/awareness.
 * @returns the next state and the frame payload to show everybody; `undefined` where the bytes are no
 * awareness update; an empty `shown` where nothing was taken
 */
export function nextAwareness(
  awareness: Awareness,
  session: SessionId,
  update: Uint8Array,
): { awareness: Awareness; shown: Uint8Array | undefined } | undefined {
  const entries = parse(update);
  if (entries === undefined) return undefined;
  const next = new Map(awareness);
  const taken: Entry[] = [];
  let own = [...awareness.values()].filter((presence) => presence.session === session).length;
  for (const entry of entries) {
    if (!mayTake(next.get(entry.client), own, session, entry)) continue;
    own += Number(entry.state !== GONE) - Number(next.has(entry.client));
    if (entry.state === GONE) next.delete(entry.client);
    else next.set(entry.client, { ...entry, session });
    taken.push(entry);
  }
  return { awareness: next, shown: taken.length > 0 ? write(taken) : undefined };
}

/** Forgets a session; `shown` tells the others that its participants left. */
export function withoutSession(
  awareness: Awareness,
  session: SessionId,
): { awareness: Awareness; shown: Uint8Array | undefined } {
  const left = [...awareness.values()].filter((presence) => presence.session === session);
  if (left.length === 0) return { awareness, shown: undefined };
  const next = new Map([...awareness].filter(([, presence]) => presence.session !== session));
  // The peers accept a removal at the clock they know.
  return { awareness: next, shown: write(left.map((presence) => ({ ...presence, state: GONE }))) };
}

/** Everybody's state as one payload; an update of no entries where nobody is there. */
export const wholeAwareness = (awareness: Awareness): Uint8Array => write([...awareness.values()]);

/** @param own how many participants the session speaks for already */
function mayTake(known: Presence | undefined, own: number, session: SessionId, entry: Entry): boolean {
  if (known !== undefined) {
    return (
      known.session === session && (entry.clock > known.clock || (entry.clock === known.clock && entry.state === GONE))
    );
  }
  return entry.state !== GONE && own < CLIENTS_PER_SESSION;
}

function parse(update: Uint8Array): Entry[] | undefined {
  try {
    const decoder = decoding.createDecoder(update);
    const count = readUint(decoder);
    if (count > AWARENESS_ENTRIES) return undefined;
    const entries: Entry[] = [];
    for (let i = 0; i < count; i++) {
      const client = readUint(decoder);
      const clock = readUint(decoder);
      const state = decoding.readVarString(decoder);
      if (state.length > AWARENESS_STATE_LENGTH) continue;
      // Participants parse it without a guard, so what is no JSON would break every one of them.
      JSON.parse(state);
      entries.push({ client, clock, state });
    }
    return decoding.hasContent(decoder) ? undefined : entries;
  } catch {
    return undefined;
  }
}

function write(entries: readonly Entry[]): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, entries.length);
    for (const { client, clock, state } of entries) {
      encoding.writeVarUint(encoder, client);
      encoding.writeVarUint(encoder, clock);
      encoding.writeVarString(encoder, state);
    }
  });
}
