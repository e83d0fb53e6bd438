/** Puts a value last into a map that holds so many at most; the one that was put in first goes where there are more. */
export function rememberLast<T>(map: Map<string, T>, name: string, value: T, most: number): void {
  map.delete(name);
  map.set(name, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}
