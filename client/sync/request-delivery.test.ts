import { expect, test } from "vitest";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import { requestDelivery } from "./request-delivery.ts";
import type { SyncStatus } from "./sync-status.ts";

function aPage(first: SyncStatus) {
  const clock = createFakeClock();
  const listeners = new Set<() => void>();
  const life = new AbortController();
  const state = { status: first, commands: false, asked: 0 };
  const subscribe = (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  requestDelivery(
    { status: () => state.status, subscribe },
    clock,
    { waits: () => state.commands, subscribe },
    { request: () => void state.asked++ },
    life.signal,
  );
  return {
    clock,
    life,
    asked: () => state.asked,
    become(next: Partial<typeof state>): void {
      Object.assign(state, next);
      for (const listener of listeners) listener();
    },
  };
}

test("what is saved within two seconds is nobody's concern", () => {
  const page = aPage({ type: "saved" });
  page.become({ status: { type: "saving" } });
  page.clock.advance(1_900);
  page.become({ status: { type: "saved" } });
  page.clock.advance(10_000);
  expect(page.asked()).toBe(0);
});

test("what takes longer, or waits offline, is asked for once each time it begins", () => {
  const page = aPage({ type: "saving" });
  page.clock.advance(2_000);
  page.become({ status: { type: "saving" } });
  page.clock.advance(60_000);
  expect(page.asked()).toBe(1);
  page.become({ status: { type: "saved" } });
  page.become({ status: { type: "offline", changes: 1 } });
  page.become({ status: { type: "offline", changes: 2 } });
  expect(page.asked()).toBe(2);
});

test("it is asked for again when the network goes: what was asked for before was answered, and is used up", () => {
  const page = aPage({ type: "saving" });
  page.clock.advance(2_000);
  expect(page.asked()).toBe(1);
  page.become({ status: { type: "offline", changes: 3 } });
  page.become({ status: { type: "offline", changes: 4 } });
  expect(page.asked()).toBe(2);
});

test("being offline with nothing to send is nothing to deliver", () => {
  const page = aPage({ type: "offline", changes: 0 });
  page.clock.advance(60_000);
  expect(page.asked()).toBe(0);
});

test("a prompt that waits is enough, and a page that ended asks for nothing", () => {
  const page = aPage({ type: "saved" });
  page.become({ commands: true });
  page.life.abort();
  page.clock.advance(10_000);
  expect(page.asked()).toBe(0);
  const other = aPage({ type: "saved" });
  other.become({ commands: true });
  other.clock.advance(2_000);
  expect(other.asked()).toBe(1);
});
