import { createRoot } from "react-dom/client";
import { CompareView } from "#client/features/snapshots/compare-view.tsx";
import "#client/ui/tokens.css";
import "#client/ui/base.css";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import { comparedPair } from "#tests/support/compared-pairs.ts";
import { aFrozenRun, frozen } from "#tests/support/frozen.ts";
import type { FrozenTurn } from "#tests/support/frozen.ts";

// The page that compare-view.spec.ts drives: two snapshots of a chat, without the app around them.

const EQUAL = Array.from({ length: 8 }, (_, index) => `Message ${index} is the same on both sides.`);
const CODE = "Try this:\n```ts\nconst period = 12.42;\nconst name = 'tide';\n```\n";

const answer = (text: string, model: string): FrozenTurn => ({ text, run: aFrozenRun({ model }) });
const left = [
  ...EQUAL,
  "Why does the tide turn?",
  answer(`The Moon pulls the sea. ${CODE}`, "t/m"),
  "शुक्रिया",
  "البحر هادئ اليوم",
];
const right = [
  ...EQUAL,
  "Why does the tide turn?",
  answer(`The Moon pulls the water. ${CODE.replace("12.42", "12.5")}`, "t/other"),
  "शुक्रिया",
  "البحر هائج اليوم",
  "<img src=x onerror=alert(1)> unbrokenwordofgreatlength".padEnd(200, "x"),
];

function open(direction: "ltr" | "rtl"): void {
  document.documentElement.dir = direction;
  show(LEFT, RIGHT);
}

const marksIn = (node: Node): number => (node instanceof Element ? node.querySelectorAll("del, ins").length : 0);

/** Shows two snapshots of 200 messages, each edited; answers how many marks each frame was given to draw. */
async function openLong(): Promise<number[]> {
  const { left: one, right: other } = comparedPair("all-edited");
  const frames: number[] = [];
  let marks = 0;
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) marks += marksIn(node);
  }).observe(document.body, { childList: true, subtree: true });
  show(one, other);
  while (drawn() < one.messages.length) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    frames.push(marks);
    marks = 0;
  }
  return frames;
}

const drawn = (): number => document.querySelectorAll(".compare-message").length;

/** Shows a long comparison; answers how many messages are drawn before and after something that needs all of them. */
async function drawnWhen(event: "beforeprint" | "previous"): Promise<{ before: number; after: number }> {
  const { left: one, right: other } = comparedPair("all-edited");
  show(one, other);
  while (drawn() === 0) await new Promise((resolve) => requestAnimationFrame(resolve));
  const before = drawn();
  const previous = [...document.querySelectorAll("button")].find(
    ({ textContent }) => textContent === "Previous change",
  );
  if (event === "previous") previous?.click();
  else dispatchEvent(new Event(event));
  return { before, after: drawn() };
}

function show(one: FrozenContent, other: FrozenContent): void {
  document.documentElement.lang = "en";
  document.title = "Compare";
  const root = document.createElement("main");
  document.body.append(root);
  createRoot(root).render(
    <>
      <h1>Compare</h1>
      <CompareView left={{ label: "Snapshot 1", content: one }} right={{ label: "Snapshot 2", content: other }} />
    </>,
  );
}

const LEFT = frozen(left, { systemPrompt: "Be brief.", parameters: { temperature: 1 } });
const RIGHT = frozen(right, { model: "t/other", systemPrompt: "Be kind.", parameters: { temperature: 1 } });

export const comparePage = { open, openLong, drawnWhen };
Object.assign(globalThis, { comparePage });
