// Stands in for `lib0/logging` in the built app. Yjs uses these names of it, for warnings to developers.

/** Styles of the console that Yjs marks its words with; here they are left out. */
export const [BOLD, UNBOLD, ORANGE, RED] = [Symbol("bold"), Symbol("unbold"), Symbol("orange"), Symbol("red")];

/** Writes what is no style to the console. */
export function print(...said: readonly unknown[]): void {
  // oxlint-disable-next-line no-console -- a warning of Yjs is for developers
  console.warn(...said.filter((one) => typeof one !== "symbol"));
}

/** For Yjs another way to say the same. */
export function warn(...said: readonly unknown[]): void {
  print(...said);
}
