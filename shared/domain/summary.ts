/** What the library shows of a conversation without opening it. Projected by the server, overlaid by the device. */
export interface ConversationSummary {
  title: string;
  /** the first words of the first prompt, or of the draft before there is one; for conversations without a title */
  excerpt: string;
  pinned: boolean;
  archived: boolean;
  deleted: boolean;
  tags: string[];
  messageCount: number;
}

/** Longest title a device may set, in UTF-16 code units. */
export const TITLE_LENGTH = 200;
const EXCERPT_LENGTH = 80;

/** The first words of a text on one line, cut at a word where there is one. */
export function excerptOf(text: string): string {
  const line = text.replace(/\s+/gu, " ").trim();
  if (line.length <= EXCERPT_LENGTH) return line;
  const cut = line.slice(0, EXCERPT_LENGTH).replace(/[\uD800-\uDBFF]$/u, "");
  const space = cut.lastIndexOf(" ");
  return `${space > EXCERPT_LENGTH / 2 ? cut.slice(0, space) : cut}…`;
}

/** What a person reads as the conversation's name, or "" when nothing was written yet. */
export const displayTitle = (summary: Pick<ConversationSummary, "title" | "excerpt">): string =>
  summary.title.trim() || summary.excerpt;
