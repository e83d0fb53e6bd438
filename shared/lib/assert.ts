/** Throws when a condition that only a bug could break is broken. Expected failures are `Result`s instead. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`Broken invariant: ${what}`);
}
