import type { CheckedStatement } from "./sqlite-messages.ts";

/**
 * A commit on its way to the thread. Copying it as objects took longer than writing it: eleven appends of a run cost
 * 25 µs on the event loop as objects and 8 µs like this (Node 20).
 */
export interface PackedCommit {
  kind: "packed";
  /** SQL that was not sent before, and its first number; from 0 on, what was sent before is forgotten */
  texts: readonly string[];
  from: number;
  /** of each item how many statements; of each of these the SQL's number, `changes` or -1, how many parameters, these */
  cells: readonly unknown[];
}

type Items = readonly (readonly CheckedStatement[])[];

/** Both ends keep so much SQL; it is all there is but for what is built for a number of values. */
const KNOWN_TEXTS = 1_000;

/** The sending end. What it packed has to be unpacked in the same order, by one `createUnpacker`. */
export function createPacker(): (items: Items) => PackedCommit {
  const known = new Map<string, number>();

  return (items) => {
    if (known.size > KNOWN_TEXTS) known.clear();
    const from = known.size;
    const texts: string[] = [];
    const cells: unknown[] = [];
    for (const item of items) {
      cells.push(item.length);
      for (const { sql, parameters, changes = -1 } of item) {
        let number = known.get(sql);
        if (number === undefined) {
          number = known.size;
          known.set(sql, number);
          texts.push(sql);
        }
        cells.push(number, changes, parameters.length, ...parameters);
      }
    }
    return { kind: "packed", texts, from, cells };
  };
}

/** The receiving end. */
export function createUnpacker(): (packed: PackedCommit) => Items {
  let known: string[] = [];

  return ({ texts, from, cells }) => {
    known = [...known.slice(0, from), ...texts];
    const items: CheckedStatement[][] = [];
    for (let at = 0; at < cells.length;) {
      const item: CheckedStatement[] = [];
      for (let left = cells[at++] as number; left > 0; left--) {
        const [number, changes, count] = cells.slice(at, at + 3) as [number, number, number];
        const parameters = cells.slice(at + 3, at + 3 + count);
        item.push({ sql: known[number] ?? "", parameters, ...(changes >= 0 && { changes }) });
        at += 3 + count;
      }
      items.push(item);
    }
    return items;
  };
}
