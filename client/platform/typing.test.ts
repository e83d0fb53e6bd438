import { expect, test } from "vitest";
import { watchTyping } from "./typing.ts";

function aPage() {
  const page = new EventTarget();
  const ending = new AbortController();
  let now = 100;
  let focused: { value: string; isField: boolean } | undefined;
  const document = {
    get activeElement() {
      return focused && { value: focused.value, matches: () => focused?.isField === true };
    },
  };
  const typing = watchTyping(() => now, ending.signal, Object.assign(page, { document }) as unknown as Window);
  return {
    typing,
    ending,
    at: (time: number): void => void (now = time),
    focus: (value: string, isField = true): void => void (focused = { value, isField }),
    happens: (event: string): void => void page.dispatchEvent(new Event(event)),
  };
}

test("typing is known by its keys, and by text that comes without any", () => {
  const { typing, at, happens, ending } = aPage();
  expect(typing.typedAt()).toBe(Number.NEGATIVE_INFINITY);
  happens("keydown");
  expect(typing.typedAt()).toBe(100);
  at(200);
  happens("input");
  expect(typing.typedAt()).toBe(200);
  at(300);
  happens("pointerdown");
  expect(typing.typedAt()).toBe(200);
  ending.abort();
  happens("keydown");
  expect(typing.typedAt()).toBe(200);
});

test("writing is a field with words in it under the cursor", () => {
  const { typing, focus } = aPage();
  expect(typing.writing()).toBe(false);
  focus("");
  expect(typing.writing()).toBe(false);
  focus("half a thought");
  expect(typing.writing()).toBe(true);
  focus("of a button", false);
  expect(typing.writing()).toBe(false);
});
