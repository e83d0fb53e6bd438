import { Lexer, Tokenizer } from "marked";
import type { Token, Tokens, TokensList } from "marked";
import { MOST_NESTING, crowdedList, hasLongWords, isLongText, isPatchy, isSparse, vainReading } from "./lexing-cost.ts";

/**
 * A lexer whose work grows with the length of a text and not with its square, nor its call stack with how deep it nests:
 * a piece that would cost more is a token of its own that shows what was written. What is such a piece depends on its text
 * alone, so that a text reads the same whether it came at once or grew.
 */
export class BoundedLexer extends Lexer {
  #depth = -1;
  readonly #tokenizer: BoundedTokenizer;

  constructor(tokenizer = new BoundedTokenizer()) {
    super({ gfm: true, tokenizer });
    this.#tokenizer = tokenizer;
  }

  override blockTokens(src: string, tokens?: Token[], lastParagraphClipped?: boolean): Token[];
  override blockTokens(src: string, tokens?: TokensList, lastParagraphClipped?: boolean): TokensList;
  override blockTokens(src: string, tokens: Token[] = [], lastParagraphClipped?: boolean): Token[] {
    this.#depth++;
    const isItem = this.#depth > 0 && !this.state.top;
    if (this.#depth > MOST_NESTING || (isItem && isLongText(src))) {
      tokens.push(asWritten(src));
      this.state.top = true;
    } else super.blockTokens(src, tokens, lastParagraphClipped);
    this.#depth--;
    return tokens;
  }

  /** Reads what stands in a block into `tokens`. */
  readInline(src: string, tokens: Token[]): void {
    // An `<a>` or `<pre>` left open ends with its block: otherwise no block could be read without those before it.
    this.state.inLink = false;
    this.state.inRawBlock = false;
    if (hasLongWords(src)) tokens.push(...linesAsWritten(src));
    else {
      this.#tokenizer.boundEmphasis(vainReading(src));
      this.inlineTokens(src, tokens);
    }
  }
}

/** A block that is shown as its raw text, with its line breaks. */
const asWritten = (raw: string): Tokens.HTML => ({ type: "html", raw, text: raw, pre: false, block: true });

const linesAsWritten = (src: string): (Tokens.Tag | Tokens.Br)[] =>
  src.split("\n").flatMap((raw, at) => {
    const line: Tokens.Tag = { type: "html", raw, text: raw, inLink: false, inRawBlock: false, block: false };
    return at === 0 ? [line] : [{ type: "br", raw: "\n" }, line];
  });

/** Its types say which token each method finds; the lexer takes any. */
class BoundedTokenizer extends Tokenizer {
  override blockquote(src: string): Tokens.Blockquote | undefined {
    const raw = this.rules.block.blockquote.exec(src)?.[0].replace(/\n+$/u, "");
    if (raw === undefined || !isPatchy(raw)) return super.blockquote(src);
    return asWritten(raw) as unknown as Tokens.Blockquote;
  }

  override list(src: string): Tokens.List | undefined {
    const raw = this.lexer.state.lastToken?.type === "text" ? undefined : crowdedList(src);
    return raw === undefined ? super.list(src) : (asWritten(raw) as unknown as Tokens.List);
  }

  override table(src: string): Tokens.Table | undefined {
    const found = this.rules.block.table.exec(src);
    if (!found) return undefined;
    const raw = found[0].trimEnd();
    const columns = found[2]?.replace(/^\||\| *$/gu, "").split("|").length ?? 0;
    const rows = found[3]?.trimEnd().split("\n").length ?? 0;
    return isSparse(columns, rows, raw.length) ? (asWritten(raw) as unknown as Tokens.Table) : super.table(src);
  }

  /** @param most code units that may be read for ends of emphasis in vain: later marks stand as written; `undefined` for all */
  boundEmphasis(most: number | undefined): void {
    // The lexer skips work where these methods are its own, so that they are replaced only where they have to be.
    this.emStrong = Tokenizer.prototype.emStrong;
    this.del = Tokenizer.prototype.del;
    if (most === undefined) return;
    let left = most;
    const bounded = <T>(find: () => T | undefined, src: string, before: string): T | undefined => {
      if (left < 0) return undefined;
      const found = find();
      if (found) return found;
      // For a mark that begins nothing where it stands, no end is looked for.
      const begins = !/^(?:\*+|_+|~+)(?:\s|$)/u.test(src) && !(src.startsWith("_") && /[\p{L}\p{N}]/u.test(before));
      if (begins) left -= src.length;
      return undefined;
    };
    this.emStrong = (src, masked, before = "") =>
      /^[*_]/u.test(src) ? bounded(() => super.emStrong(src, masked, before), src, before) : undefined;
    this.del = (src, masked, before = "") =>
      src.startsWith("~") ? bounded(() => super.del(src, masked, before), src, before) : undefined;
  }
}
