import type { CheckedStatement } from "#server/storage/sqlite-messages.ts";
import { batchOf, checked, statementsOf } from "#tests/support/store-scenario.ts";

/** How many groups a scenario writes, each one transaction. */
export const GROUPS = 4;
/** Rooms that commit in each group. */
const DOCUMENTS = 3;

/** The items of one group: the batch of each room, two rows long. */
export const groupOf = (group: number): CheckedStatement[][] =>
  Array.from({ length: DOCUMENTS }, (_, document) => checked(statementsOf(document, batchOf(document, group * 2, 2))));

/** Where every document ends once so many groups are stored. */
export const headsAfter = (groups: number): Record<string, number> =>
  groups === 0
    ? {}
    : Object.fromEntries(Array.from({ length: DOCUMENTS }, (_, document) => [`document-${document}`, groups * 2]));

/** How many whole groups a store holds; `undefined` where it holds something else. */
export function groupsIn(heads: Record<string, number>): number | undefined {
  const groups = Array.from({ length: GROUPS + 1 }, (_, count) => count);
  return groups.find((count) => JSON.stringify(headsAfter(count)) === JSON.stringify(heads));
}
