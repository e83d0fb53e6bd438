import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, expect, test } from "vitest";
import { canonicalContent } from "#shared/documents/canonical-content.ts";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import { createSimulatedBrowser, until } from "#tests/support/simulated-device.ts";
import { createSimulatedServer } from "#tests/support/simulated-room.ts";

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
const EDITS = 200;

const random = createSeededRandom(19);
const newId = (): string => createUuidV7(Date.UTC(2026, 0, 1), random.bytes);

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

test("two devices edit the same chat offline for a week: both sets of edits are there, settings merge by field, no message is doubled", async () => {
  const server = createSimulatedServer(() => Date.now());
  const id = newId() as ConversationId;
  // The second device has a database of its own: another account name stands for it.
  const browsers = [createSimulatedBrowser(server, "ann"), createSimulatedBrowser(server, "ann-on-a-phone")] as const;
  const tabs = [browsers[0].openTab(), browsers[1].openTab()] as const;
  const first = tabs[0].documents.open(id);
  const root = newId() as MessageId;
  first.conversation.addPrompt({ id: root, parentId: undefined, text: "before the week", createdAt: 1 });
  await until(() => tabs[0].sync.status().type === "saved", browsers[0].clock);
  const second = tabs[1].documents.open(id);
  await until(() => second.conversation.branch().length === 1, browsers[1].clock);

  server.setUp(false);
  const written: Record<0 | 1, string[]> = { 0: [], 1: [] };
  const opens = [first, second] as const;
  for (let edit = 0; edit < EDITS; edit++) {
    for (const device of [0, 1] as const) {
      const { conversation } = opens[device];
      const text = `device ${device}, edit ${edit}`;
      if (edit % 20 === 0) {
        conversation.addPrompt({ id: newId() as MessageId, parentId: root, text, createdAt: edit });
        written[device].push(text);
      } else conversation.setDraft(`${device === 0 ? "one" : "two"} ${edit}`);
      browsers[device].clock.advance(WEEK_MS / EDITS);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  // Each changes another field.
  first.conversation.setSystemPrompt("Be short.");
  second.conversation.setParameter("temperature", 0.3);
  first.conversation.rename("Named at home");
  second.conversation.setPinned(true);
  await until(() => tabs.every((tab) => tab.sync.status().type === "offline"), browsers[0].clock);

  server.setUp(true);
  for (const browser of browsers) browser.wake();
  for (const [device, tab] of tabs.entries()) {
    await until(() => tab.sync.status().type === "saved", browsers[device as 0 | 1].clock);
  }
  const equal = (): boolean => canonicalContent(first.conversation.doc) === canonicalContent(second.conversation.doc);
  await until(equal, browsers[1].clock);
  expect(canonicalContent(server.durable(id))).toBe(canonicalContent(first.conversation.doc));

  const prompts = [...first.conversation.messages()].map(({ text }) => text);
  expect(prompts.toSorted()).toEqual(["before the week", ...written[0], ...written[1]].toSorted());
  expect(first.conversation.settings()).toMatchObject({ systemPrompt: "Be short.", parameters: { temperature: 0.3 } });
  expect(first.conversation.summary()).toMatchObject({ title: "Named at home", pinned: true });
  for (const tab of tabs) await tab.close();
}, 60_000);
