import { expect, test } from "vitest";
import { TRASH_DAYS, TRASH_MS, daysUntilErased } from "./trash.ts";

const DAY = 86_400_000;

test("a chat is kept for whole days: what is begun counts, and a clock that is set back gives no more than there are", () => {
  expect(daysUntilErased(0, 0)).toBe(TRASH_DAYS);
  expect(daysUntilErased(0, 1)).toBe(TRASH_DAYS);
  expect(daysUntilErased(0, DAY)).toBe(TRASH_DAYS - 1);
  expect(daysUntilErased(0, TRASH_MS - 1)).toBe(1);
  expect(daysUntilErased(0, TRASH_MS + DAY)).toBe(0);
  expect(daysUntilErased(DAY, 0)).toBe(TRASH_DAYS);
});
