/** Characters of a title in a name: with what is appended, they fit into the 255 bytes of a file system in any script. */
const MOST = 56;

/**
 * A title as the beginning of a file's name: without what a file system, a shell or a reader of names takes for something
 * else, paths and directions of writing among them. `otherwise` where nothing is left.
 */
export function fileNameOf(title: string, otherwise: string): string {
  const plain = title
    .toWellFormed()
    .replace(/[\s\p{C}/\\:*?"<>|]+/gu, " ")
    .replace(/^[\s.]+/u, "");
  return Array.from(plain).slice(0, MOST).join("").trim() || otherwise;
}
