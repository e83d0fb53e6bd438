import { expect, test } from "vitest";
import { CHECK_PAUSE_MS, mayCheck, nextUpdate } from "./update-state.ts";
import type { Update, UpdateEvent } from "./update-state.ts";

const after = (...events: UpdateEvent[]): Update["type"] =>
  events.reduce<Update>((update, event) => nextUpdate(update, event), { type: "none" }).type;
const quiet = { type: "looked", quiet: true } as const;
const disturbed = { type: "looked", quiet: false } as const;

test("a new version waits for a person, however quiet the page is", () => {
  expect(after({ type: "came" }, quiet, quiet)).toBe("waiting");
});

test("Update follows at once, also while somebody types", () => {
  expect(after({ type: "came" }, { type: "pressed" })).toBe("applying");
  expect(after({ type: "came" }, { type: "pressed" }, disturbed, { type: "took-over" })).toBe("reloading");
});

test("an Update pressed in another tab is followed when nobody is disturbed", () => {
  expect(after({ type: "came" }, { type: "took-over" }, disturbed)).toBe("due");
  expect(after({ type: "came" }, { type: "took-over" }, disturbed, quiet)).toBe("reloading");
  expect(after({ type: "took-over" }, quiet)).toBe("reloading");
});

test("whoever presses Update after another tab did is not made to wait", () => {
  expect(after({ type: "came" }, { type: "took-over" }, { type: "pressed" })).toBe("reloading");
});

test("a page is loaded again once", () => {
  for (const event of [{ type: "came" }, { type: "pressed" }, { type: "took-over" }, quiet] as const)
    expect(nextUpdate({ type: "reloading" }, event)).toEqual({ type: "reloading" });
});

test("P1: a page that would lose words is loaded again once it does not, however often Update is pressed", () => {
  const held = [{ type: "came" }, { type: "pressed" }, { type: "took-over" }, { type: "held" }] as const;
  expect(after(...held)).toBe("due");
  expect(after(...held, disturbed)).toBe("due");
  expect(after(...held, quiet)).toBe("reloading");
  expect(after({ type: "held" })).toBe("none");
});

test("a version that comes while another one waits changes nothing", () => {
  expect(after({ type: "came" }, { type: "came" })).toBe("waiting");
  expect(after({ type: "came" }, { type: "pressed" }, { type: "came" })).toBe("applying");
});

test("coming back to the page asks for a newer version at most once a minute, and not without a network", () => {
  expect(mayCheck(CHECK_PAUSE_MS, 0, true)).toBe(true);
  expect(mayCheck(CHECK_PAUSE_MS - 1, 0, true)).toBe(false);
  expect(mayCheck(CHECK_PAUSE_MS, 0, false)).toBe(false);
});
