/**
 * Writes numbers as a language does: 12345 as "12,345" in English. A browser that was just started takes tens of
 * milliseconds to make its first formatter, so it is made with the first number and no first paint waits for it.
 */
export function numbersIn(locale: string): (value: number) => string {
  let formatter: Intl.NumberFormat | undefined;
  return (value) => (formatter ??= new Intl.NumberFormat(locale)).format(value);
}
