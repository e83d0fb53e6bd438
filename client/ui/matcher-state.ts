const folded = (text: string): string => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** Answers whether every word of a query is in a text, without regard to case and accents. An empty query is in all. */
export function matcherOf(query: string): (textOf: () => string) => boolean {
  const needles = folded(query).split(/\s+/u).filter(Boolean);
  return (textOf) => {
    const text = needles.length > 0 ? folded(textOf()) : "";
    return needles.every((needle) => text.includes(needle));
  };
}
