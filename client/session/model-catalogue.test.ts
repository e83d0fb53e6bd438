import { expect, test } from "vitest";
import { openModelCatalogue } from "./model-catalogue.ts";

const guide = { id: "guide/guide", name: "Guide", provider: { id: "guide", name: "Holdfast" }, kind: "guide" as const };
const models = { models: [guide], defaultModel: "guide/guide" };
const me = { accountId: "a1", workspaceId: "w1", kind: "guest" as const };

function aBrowser(answers: (() => Response)[], texts = new Map<string, string>()) {
  const woken = new Set<() => void>();
  const timers: (() => void)[] = [];
  const page = new AbortController();
  const catalogue = openModelCatalogue(
    {
      me,
      smallStorage: { read: (key) => texts.get(key), write: (key, text) => (texts.set(key, text), true) },
      platform: {
        random: () => 0.5,
        clock: { now: () => 0, after: (_ms, ring) => (timers.push(ring), () => undefined) },
        connectivity: {
          online: () => true,
          onOffline: () => () => undefined,
          onWake: (callback) => (woken.add(callback), () => woken.delete(callback)),
        },
        fetch: async () => {
          await Promise.resolve();
          const answer = answers.shift();
          if (!answer) throw new TypeError("network");
          return answer();
        },
      },
    },
    page.signal,
  );
  const wake = (): void => woken.forEach((callback) => callback());
  return { catalogue, texts, wake, timers };
}

const changed = (source: { subscribe(listener: () => void): () => void }): Promise<void> =>
  new Promise((resolve) => void source.subscribe(resolve));

test("the models are asked for at the start and kept for the next one, which has them offline", async () => {
  const first = aBrowser([() => Response.json(models)]);
  expect(first.catalogue.models()).toBeUndefined();
  await changed(first.catalogue);
  expect(first.catalogue.models()).toEqual(models);
  const offline = aBrowser([], first.texts);
  expect(offline.catalogue.models()).toEqual(models);
});

test("another account's list is not this one's", async () => {
  const texts = new Map([["holdfast.models.other.w1", JSON.stringify(models)]]);
  expect(aBrowser([], texts).catalogue.models()).toBeUndefined();
});

test("a wake-up asks again; the same answer stays the same object", async () => {
  const more = { ...models, defaultModel: "x/y" };
  const browser = aBrowser([() => Response.json(models), () => Response.json(models), () => Response.json(more)]);
  await changed(browser.catalogue);
  const before = browser.catalogue.models();
  browser.wake();
  await expect.poll(() => (browser.wake(), browser.catalogue.models()?.defaultModel)).toBe("x/y");
  expect(before).toEqual(models);
});

test("a failed question is asked again by itself", async () => {
  const browser = aBrowser([() => new Response("", { status: 500 }), () => Response.json(models)]);
  await expect.poll(() => browser.timers.length).toBe(1);
  const next = changed(browser.catalogue);
  browser.timers[0]?.();
  await next;
  expect(browser.catalogue.models()).toEqual(models);
});
