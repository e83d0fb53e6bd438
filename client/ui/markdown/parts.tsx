import { memo } from "react";
import type { ReactNode } from "react";

/** Large enough for few parts, small enough that rendering and laying out one again is cheap. */
const PART = 32;

/** A row of things as parts of equal length; only the last part may be shorter. */
export function partsOf<T>(items: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < items.length; at += PART) parts.push(items.slice(at, at + PART));
  return parts;
}

interface PartProps<T> {
  items: readonly T[];
  /** one and the same function each time */
  render: (item: T, index: number) => ReactNode;
}

function PartView<T>({ items, render }: PartProps<T>) {
  return items.map(render);
}

/** A part of a long row: rendered again only when one of its items is another than before. */
export const Part = memo(
  PartView,
  (before, after) =>
    before.items.length === after.items.length && before.items.every((item, index) => item === after.items[index]),
) as <T>(props: PartProps<T>) => ReactNode;

/** A long row of things, of which the parts that changed are rendered again. */
export function InParts<T>({ items, render }: PartProps<T>) {
  return partsOf(items).map((part, index) => <Part key={index} items={part} render={render} />);
}
