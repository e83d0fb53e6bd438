import { inSlices } from "#server/lib/in-slices.ts";

/** Texts are gathered into pieces of about so many characters: encoding and writing one takes a few ms. */
const PIECE_LENGTH = 512 * 1024;

/**
 * Texts one after the other as the body of an answer. A long one is encoded and written piece by piece, as fast as its
 * reader takes it: 15 MB at once take 200 ms, in which nobody else is served.
 */
export function bodyOf(texts: readonly string[]): string | ReadableStream<Uint8Array<ArrayBuffer>> {
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  if (length <= PIECE_LENGTH) return texts.join("");
  const pieces = piecesOf(texts);
  return new ReadableStream(
    {
      async pull(controller) {
        // A reader that takes everything at once would have all pieces in one go.
        const bytes = await inSlices(encoding(pieces));
        if (bytes) controller.enqueue(bytes);
        else controller.close();
      },
    },
    // Nothing is encoded before it is asked for.
    { highWaterMark: 0 },
  );
}

/** The next piece in UTF-8, in one step; `undefined` where there is none. */
// oxlint-disable-next-line require-yield -- one step is all there is to give
function* encoding(pieces: Iterator<string, undefined>): Generator<void, Uint8Array<ArrayBuffer> | undefined> {
  const { done, value } = pieces.next();
  return done ? undefined : new TextEncoder().encode(value);
}

function* piecesOf(texts: readonly string[]): Generator<string, undefined> {
  let piece = "";
  for (const text of texts) {
    piece += text;
    if (piece.length < PIECE_LENGTH) continue;
    yield* cut(piece);
    piece = "";
  }
  if (piece !== "") yield* cut(piece);
  return undefined;
}

/** A long text in pieces, none of which ends within a surrogate pair: each half alone would be encoded as U+FFFD. */
function* cut(text: string): Generator<string, void> {
  for (let from = 0; from < text.length;) {
    const end = from + PIECE_LENGTH;
    const to = end < text.length && (text.codePointAt(end - 1) ?? 0) > 0xffff ? end + 1 : end;
    yield text.slice(from, to);
    from = to;
  }
}
