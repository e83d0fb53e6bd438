import * as sha256 from "lib0/hash/sha256";
import * as Y from "yjs";
import { CONVERSATION_ROOTS } from "./conversation.ts";

/** Containers nested deeper than this are refused by the server, so reading never recurses further. */
export const DEEPEST_NESTING = 8;

/**
 * The content of a document as text, of a conversation where no other roots are named: equal for two copies exactly when a reader would see the same,
 * whatever order, clients and deletions led there. Maps become sorted entry lists, so that no key (such as
 * `__proto__`) is special.
 */
export function canonicalContent(doc: Y.Doc, roots: readonly string[] = CONVERSATION_ROOTS): string {
  return JSON.stringify(
    roots.map((name) => [name, contentOf(name === "draft" ? doc.getText(name) : doc.getMap(name), 0)]),
  );
}

/** SHA-256 (FIPS 180-4) of the canonical content in UTF-8: 32 bytes. */
export const contentDigest = (doc: Y.Doc, roots?: readonly string[]): Uint8Array =>
  sha256.digest(new TextEncoder().encode(canonicalContent(doc, roots)));

function contentOf(value: unknown, depth: number): unknown {
  if (depth > DEEPEST_NESTING) return null;
  if (value instanceof Y.Text) return { text: value.toString() };
  if (value instanceof Y.Map) return { map: sortedEntries(value.entries(), depth) };
  if (value instanceof Y.Array) return { array: value.toArray().map((item: unknown) => contentOf(item, depth + 1)) };
  if (Array.isArray(value)) return value.map((item: unknown) => contentOf(item, depth + 1));
  if (value instanceof Uint8Array) return { bytes: [...value] };
  // Yjs stores these too, and JSON has no word for them.
  if (typeof value === "bigint") return { bigint: String(value) };
  if (value !== null && typeof value === "object") return { object: sortedEntries(Object.entries(value), depth) };
  return value ?? null;
}

const sortedEntries = (entries: Iterable<[string, unknown]>, depth: number): unknown[] =>
  [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, contentOf(item, depth + 1)]);
