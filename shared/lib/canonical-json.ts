import canonicalize from "canonicalize";

/**
 * A value as canonical JSON (RFC 8785): keys sorted by UTF-16 code units, no white space, numbers as ECMAScript writes
 * them. Equal values give equal text, in every browser and on the server. Fields that are `undefined` are left out, and
 * lone surrogates, which no UTF-8 can hold, become U+FFFD, as they do on their way through the network.
 * Throws for what JSON has no word for: NaN, Infinity, a value that contains itself.
 */
export const canonicalJson = (value: unknown): string => canonicalize(wellFormed(value)) ?? "null";

function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key.toWellFormed(), wellFormed(item)]));
}
