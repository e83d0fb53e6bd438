/**
 * Of pairs of places, the most that stand in the same order on both sides; by the left place. The others were moved. It is
 * the longest increasing subsequence, found by keeping the lowest end of each length.
 */
export function anchorsOf(pairs: ReadonlyMap<number, number>): (readonly [number, number])[] {
  const sorted = [...pairs].toSorted(([a], [b]) => a - b);
  const ends: number[] = [];
  const before: number[] = [];
  for (const [index, [, right]] of sorted.entries()) {
    const length = lowerBound(ends, right, (end) => sorted[end]?.[1] ?? 0);
    before[index] = length > 0 ? (ends[length - 1] ?? -1) : -1;
    ends[length] = index;
  }
  const anchors: (readonly [number, number])[] = [];
  for (let index = ends.at(-1) ?? -1; index >= 0; index = before[index] ?? -1) {
    const pair = sorted[index];
    if (pair) anchors.push(pair);
  }
  return anchors.toReversed();
}

/** The first place in a rising list whose value is not below another. */
function lowerBound(list: readonly number[], value: number, valueOf: (item: number) => number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (valueOf(list[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
