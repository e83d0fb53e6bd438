/** Of how much JSON is made. */
export interface JsonParts {
  /** objects and arrays */
  containers: number;
  /** members of all of them, but for the first of each */
  commas: number;
  /** members of one object */
  members: number;
  /** containers in each other */
  depth: number;
}

/** How many bytes are looked at in one step: it takes about a millisecond. */
const STEP_BYTES = 256 * 1024;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [BRACKET, BRACE, BRACKET_END, BRACE_END] = [0x5b, 0x7b, 0x5d, 0x7d];

/**
 * Whether JSON has no more parts than `most`. Parsing costs by parts rather than by bytes: 16 MB of text take 60 ms, as
 * many of empty objects 3,600 ms, and one object of 320,000 names 700 ms, in which nobody else is served. Reads no further
 * once it has more, in steps between which others may have their turn. What is no JSON is left to the parser.
 */
export function* countingParts(json: Uint8Array, most: JsonParts): Generator<void, boolean> {
  const counter = createCounter(most);
  let inString = false;
  for (let at = 0; at < json.length;) {
    const end = Math.min(at + STEP_BYTES, json.length);
    for (; at < end; at++) {
      const byte = json[at] ?? 0;
      if (inString) {
        // What is escaped ends no string.
        if (byte === BACKSLASH) at++;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) inString = true;
      else if (!counter.takes(byte)) return false;
    }
    yield;
  }
  return true;
}

/** Counts what stands outside of strings, byte by byte; `takes` is false once there is more than may be. */
function createCounter(most: JsonParts): { takes(byte: number): boolean } {
  let [containers, commas, depth] = [0, 0, 0];
  /** by depth: how many more members an object may have, and an array any number */
  const left = new Float64Array(most.depth + 1);
  return {
    takes(byte) {
      if (byte === COMMA) {
        left[depth] = (left[depth] ?? 0) - 1;
        return ++commas <= most.commas && (left[depth] ?? 0) > 0;
      }
      if (byte === BRACE || byte === BRACKET) {
        depth++;
        left[depth] = byte === BRACE ? most.members : Infinity;
        return ++containers <= most.containers && depth <= most.depth;
      }
      if (byte === BRACE_END || byte === BRACKET_END) depth = Math.max(0, depth - 1);
      return true;
    },
  };
}
