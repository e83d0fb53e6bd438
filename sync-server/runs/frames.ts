/** A piece of one channel (`t` text, `r` reasoning) that begins at UTF-16 offset `o` of that channel. */
export interface TextFrame {
  c: "t" | "r";
  o: number;
  t: string;
}

/** Longest text of one frame in UTF-16 units. JSON escapes at most six-fold, so a frame stays under 64 KiB. */
export const FRAME_LENGTH = 10_000;
/** How long pieces are gathered into one frame, ms. */
export const FRAME_GATHER_MS = 36;

export interface Framer {
  /** Takes a piece; answers the frames that are to go out at once (the first piece, full frames). */
  push(channel: "t" | "r", text: string): TextFrame[];
  /** Answers what was gathered. With `last`, half a character that will never be completed is dropped. */
  flush(last?: boolean): TextFrame[];
  /** whether `flush` would answer something */
  readonly gathering: boolean;
}

/**
 * Cuts the deltas of a provider into frames. The first piece goes at once, so that nobody waits for it; later
 * ones are gathered by the caller's timer. Characters outside the BMP are never cut in two, halves that
 * arrive in two deltas are joined, and lone surrogates are stripped: offsets count what is really sent.
 */
export function createFramer(offsets: { t: number; r: number } = { t: 0, r: 0 }): Framer {
  const sent = { ...offsets };
  let channel: "t" | "r" = "t";
  let gathered = "";
  /** the first half of a surrogate pair whose second half may come with the next delta */
  let half = "";
  let first = true;

  function cut(all: boolean): TextFrame[] {
    const frames: TextFrame[] = [];
    const least = all ? 1 : FRAME_LENGTH;
    while (gathered.length >= least) {
      const at = gathered.length <= FRAME_LENGTH ? gathered.length : cutPoint(gathered, FRAME_LENGTH);
      const t = gathered.slice(0, at);
      frames.push({ c: channel, o: sent[channel], t });
      sent[channel] += t.length;
      gathered = gathered.slice(at);
    }
    return frames;
  }

  return {
    get gathering() {
      return gathered !== "";
    },
    push(to, text) {
      const frames: TextFrame[] = [];
      if (to !== channel) {
        frames.push(...cut(true));
        half = "";
        channel = to;
      }
      const joined = half + text;
      half = endsInHighSurrogate(joined) ? joined.slice(-1) : "";
      gathered += withoutLoneSurrogates(half === "" ? joined : joined.slice(0, -1));
      const urgent = first && gathered !== "";
      if (urgent) first = false;
      frames.push(...cut(urgent));
      return frames;
    },
    flush(last = false) {
      if (last) half = "";
      return cut(true);
    },
  };
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const endsInHighSurrogate = (text: string): boolean => text !== "" && isHigh(text.charCodeAt(text.length - 1));

/** The largest cut at or before `at` that does not split a surrogate pair. */
export const cutPoint = (text: string, at: number): number => (isHigh(text.charCodeAt(at - 1)) ? at - 1 : at);

const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const withoutLoneSurrogates = (text: string): string => text.replace(LONE, "");
