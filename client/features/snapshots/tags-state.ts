import { MOST_TAGS, TAG_LENGTH } from "#shared/domain/snapshot.ts";

/** A tag as it is kept: on one line, without spaces around it, no longer than a tag may be; "" is none. */
const tagOf = (text: string): string => text.replace(/\s+/gu, " ").trim().slice(0, TAG_LENGTH).trim();

/** Tags with those typed into a field, separated by commas, behind them. What is there already, or one too many, is dropped. */
export function withTyped(tags: readonly string[], typed: string): string[] {
  const added = typed.split(",").map(tagOf).filter(Boolean);
  return [...new Set([...tags, ...added])].slice(0, MOST_TAGS);
}

/** What is typed of a tag that is not finished, and the tags that are: a comma finishes one. */
export function splitTyped(tags: readonly string[], typed: string): { tags: string[]; rest: string } {
  const end = typed.lastIndexOf(",");
  if (end < 0) return { tags: [...tags], rest: typed };
  return { tags: withTyped(tags, typed.slice(0, end)), rest: typed.slice(end + 1).trimStart() };
}

/** Known tags that may be meant, without those that are there. */
export const suggestedTags = (known: readonly string[], tags: readonly string[]): string[] =>
  known.filter((tag) => !tags.includes(tag)).slice(0, 20);
