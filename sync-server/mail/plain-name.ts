/** Marks that are not seen: they turn the direction of what follows, or hide. Two that scripts and emoji need stay. */
const UNSEEN = /(?![\u200c\u200d])\p{Cf}|[\p{Cs}\p{Co}]/gu;
const GAPS = /[\s\p{Cc}]+/gu;
const QUOTES = /[“”„‟«»"]/gu;
/** The dots and colons by which mail programs know an address to make a link of. */
const LINK_JOINTS = /(?<=[\p{L}\p{N}])[.．。｡](?=\p{L})|:(?=\/)/gu;
const READABLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

/**
 * A name somebody gave, fit for one line of a mail that we sign: no line breaks, no marks that turn or hide what
 * follows, no quotes that end ours, nothing a mail program makes a link of, and not longer than `longest` characters.
 * Answers undefined where nothing to read is left.
 */
export function plainName(given: string, longest: number): string | undefined {
  const line = given.replace(UNSEEN, "").replace(GAPS, " ").replace(QUOTES, "'").replace(LINK_JOINTS, "$& ").trim();
  if (!READABLE.test(line)) return undefined;
  const characters = Array.from(line);
  return characters.length <= longest
    ? line
    : `${characters
        .slice(0, longest - 1)
        .join("")
        .trimEnd()}…`;
}
