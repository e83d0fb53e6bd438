/** Throws when a condition that only a bug could break is broken. Expected failures are `Result`s instead. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`Broken invariant: ${what}`);
}

/** For the end of an exhaustive switch over untyped input that the types say cannot happen. */
export function unreachable(value: never): never {
  throw new Error(`Unreachable: ${JSON.stringify(value)}`);
}
