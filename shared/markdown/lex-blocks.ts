import type { Token } from "marked";
import { BoundedLexer } from "./bounded-lexer.ts";

export type Links = Record<string, { href: string | null; title: string | null | undefined }>;

/** One top-level piece of Markdown with the blank lines after it. */
export interface LexedBlock {
  raw: string;
  token: Token;
}

export interface Lexed {
  blocks: LexedBlock[];
  links: Links;
}

/** The blocks of a text and the link definitions it knows: those given, which come first, and its own. */
export const lexBlocks = (text: string, links: Links): Lexed => lexIf(text, links, () => true) ?? { blocks: [], links };

/**
 * The same, or `undefined` where what stands in the blocks is refused before it is read.
 * @param accepts is handed the texts of all paragraphs, headings and cells
 */
export function lexIf(text: string, links: Links, accepts: (sources: readonly string[]) => boolean): Lexed | undefined {
  const lexer = new BoundedLexer();
  const found = lexer.tokens.links as Links;
  Object.assign(found, links);
  lexer.blockTokens(text, lexer.tokens);
  if (!accepts(lexer.inlineQueue.map(({ src }) => src))) return undefined;
  for (const { src, tokens } of lexer.inlineQueue) lexer.readInline(src, tokens);
  const blocks: LexedBlock[] = [];
  let at = 0;
  for (const token of lexer.tokens) {
    // By its length: the lexer writes a blank at the end of the text as a line end.
    const raw = text.slice(at, at + token.raw.length);
    at += raw.length;
    const last = blocks.at(-1);
    if (token.type === "space" && last) last.raw += raw;
    else blocks.push({ raw, token });
  }
  return { blocks, links: found };
}
