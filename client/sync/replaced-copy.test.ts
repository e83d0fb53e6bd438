import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, expect, test } from "vitest";
import * as Y from "yjs";
import type { OpenConversation } from "#client/local-store/documents.ts";
import { openRuns } from "#client/runs/open-runs.ts";
import type { Runs } from "#client/runs/runs.ts";
import type { WorkspaceSync } from "#client/sync/workspace-sync.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import { createSimulatedBrowser, until } from "#tests/support/simulated-device.ts";
import type { SimulatedBrowser } from "#tests/support/simulated-device.ts";
import { createSimulatedServer } from "#tests/support/simulated-room.ts";

const random = createSeededRandom(23);
const NOW = Date.UTC(2026, 0, 1);
const newId = (): string => createUuidV7(NOW, random.bytes);
const never = (): (() => void) => () => undefined;

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

/** Delivery for a tab, to a server that takes every run; with the runs it was asked to start. */
function deliverFor(tab: WorkspaceSync, { clock }: SimulatedBrowser): { runs: Runs; started: string[] } {
  const started: string[] = [];
  const runs = openRuns(
    {
      platform: {
        clock,
        random: random.next,
        fetch: (input, init) => {
          if (init?.method === "PUT") started.push(String(input).replace("/api/runs/", ""));
          return Promise.resolve(Response.json({}));
        },
        connectivity: { online: () => true, onWake: never, onOffline: never },
        openBroadcast: () => ({ post: () => undefined, onMessage: never }),
      },
      locks: { hold: (_name, _signal, work) => work() },
      painting: { beforeNext: never },
      commands: tab.commands,
      documents: tab.documents,
      smallStorage: { read: () => undefined, write: () => true },
      scope: "ann",
    },
    new AbortController().signal,
  );
  return { runs, started };
}

/** Adds a prompt with the run that answers it, as the composer does; answers the run. */
function send(open: OpenConversation, runs: Runs, text: string): string {
  const [id, runId, messageId] = [newId() as MessageId, newId(), newId()];
  const plannedRun = { runId, messageId, model: "m" };
  const command = { ...plannedRun, conversationId: open.id, parentMessageId: id, parameters: {}, createdAt: NOW };
  open.editWithCommand(
    (conversation) => conversation.addPrompt({ id, parentId: undefined, text, createdAt: NOW, plannedRun }),
    command,
  );
  runs.deliver(command);
  return runId;
}

/** A bit flips in memory, in the draft: no clock says so. */
function rotDraft(doc: Y.Doc): void {
  for (const struct of [...doc.store.clients.values()].flat())
    if (struct instanceof Y.Item && struct.parent === doc.getText("draft") && struct.content instanceof Y.ContentString)
      struct.content.str = struct.content.str.replace("thought", "thou#ht");
}

const whenReplaced = (open: OpenConversation, act: () => void): void => {
  const stop = open.subscribe(() => {
    if (open.status().type !== "replaced") return;
    stop();
    act();
  });
};

test("C9: what is typed and sent in a copy right after another one took its place is in that one, and is delivered", async () => {
  const server = createSimulatedServer(() => Date.now());
  const browser = createSimulatedBrowser(server, "ann");
  const tab = browser.openTab();
  const { runs, started } = deliverFor(tab, browser);
  const id = newId() as ConversationId;
  const open = tab.documents.open(id);
  open.conversation.setDraft("half a thought");
  await until(() => tab.sync.status().type === "saved", browser.clock);

  rotDraft(open.conversation.doc);
  let sent: string | undefined;
  whenReplaced(open, () => {
    open.conversation.draft.insert(open.conversation.draft.length, "!");
    sent = send(open, runs, "sent meanwhile");
    // It is not said to be saved while nobody has it but a copy whose place is taken.
    expect(tab.sync.status().type).not.toBe("saved");
  });
  server.setUp(false);
  server.setUp(true);
  browser.wake();
  await until(() => sent !== undefined, browser.clock);
  const mended = tab.documents.open(id);
  open.release();
  await until(
    () => mended.conversation.draft.toString().includes("#") && tab.sync.status().type === "saved",
    browser.clock,
  );
  const there = openConversation(server.durable(id), "reader");
  expect(there.draft.toString()).toBe("half a thought!\n\nhalf a thou#ht");
  expect([...there.messages()].map(({ text }) => text)).toEqual(["sent meanwhile"]);
  expect(mended.conversation.doc.store.pendingStructs).toBeNull();

  await until(() => started.length === 1, browser.clock);
  const next = send(mended, runs, "and the next one");
  await until(() => started.length === 2, browser.clock);
  expect(started).toEqual([sent, next]);
  await tab.close();
});
