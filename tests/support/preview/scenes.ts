import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { freezeConversation } from "#shared/documents/freeze-conversation.ts";
import type { Models } from "#shared/protocol/http-bodies.ts";
import { sendPrompt } from "#client/features/composer/send-prompt.ts";
import type { InMemoryWorkspace } from "#tests/support/in-memory-workspace.ts";

interface Scene {
  models?: Models;
  /** the page to show instead of a conversation */
  path?: string;
  /** answers the conversation to show; `undefined` for `/` */
  play(world: InMemoryWorkspace): ConversationId | undefined;
}

const GUIDE: Models = {
  models: [{ id: "guide/guide", name: "Holdfast guide", provider: { id: "guide", name: "Built in" }, kind: "guide" }],
  defaultModel: "guide/guide",
};

const MARKDOWN = `Tides are the sea's slow answer to the **Moon's pull**, with the Sun helping or hindering.

## How it works

1. The Moon pulls the near side of the Earth a little more than its centre.
2. It pulls the far side a little *less*.
3. So the water bulges on both sides, and the Earth turns beneath it.

| Phase | Moon and Sun | Tide |
|---|---|---:|
| New, full | in line | spring, 7.2 m |
| Quarter | at right angles | neap, 3.1 m |

\`\`\`ts
/** Height of the tide at a time, in metres. */
export function tide(hours: number, constituents: readonly Constituent[]): number {
  return constituents.reduce((sum, { amplitude, speed, phase }) => sum + amplitude * Math.cos(speed * hours - phase), 0);
}
\`\`\`

- [x] Look at a tide table
- [ ] Walk out at low water, and read \`tide()\` again

> The sea never changes its mind; it only takes its time.

![A tide table](https://example.com/tides.png) More at [the tide pages](https://example.com/tides).`;

const DAY = 86_400_000;
const TITLES = [
  "Tides, as if I had never seen the sea",
  "A kind reply that says no",
  "Dinners for two",
  "Rust lifetimes, once more",
  "Brief an die Hausverwaltung",
  "Names for a small boat",
  "Why is the sky dark at night?",
  "رسالة إلى صديق قديم",
  "Reading list on kelp forests and what lives between the holdfasts",
  "SQL window functions",
  "Marathon plan",
  "Sourdough, day 4",
];

function chat(world: InMemoryWorkspace, text: string): ConversationId {
  const id = world.newConversationId();
  const open = world.workspace.documents.open(id);
  sendPrompt(world.workspace, open, { text, parentId: undefined, model: "t/m", takesDraft: true });
  return id;
}

function answered(
  world: InMemoryWorkspace,
  text = "Explain how tides work, as if I had never seen the sea",
): ConversationId {
  const id = chat(world, text);
  const at = world.workspace.clock.now();
  world.answer(id, {
    text: MARKDOWN,
    status: "completed",
    resolvedModel: "test-model-2026-10-01",
    usage: { inputTokens: 42, outputTokens: 512, costMicroUsd: 5320, source: "provider" },
    startedAt: at,
    firstTokenAt: at + 420,
    endedAt: at + 8200,
  });
  return id;
}

function library(world: InMemoryWorkspace, count: number): void {
  const now = world.workspace.clock.now();
  for (let index = count - 1; index >= 0; index--) {
    const id = world.newConversationId();
    const title = TITLES[index % TITLES.length] ?? "";
    const time = now - (index < 4 ? index * 60_000 : (index - 3) * DAY * 0.9);
    world.at(id, time, (conversation) => {
      conversation.rename(index < TITLES.length ? title : `${title} ${index}`);
      conversation.setPinned(index === 2 || index === 6);
      if (index === 9) conversation.setArchived(true);
    });
  }
}

const ended = (status: "failed" | "interrupted", code: "rate_limited" | "provider_cut", text: string): Scene => ({
  play(world) {
    library(world, 8);
    const id = chat(world, "Plan a week of simple dinners for two");
    const retryAt = world.workspace.clock.now() + 24_000;
    world.answer(id, { text, status, failure: { code, retryable: true, retryAt } });
    return id;
  },
});

/** Takes snapshots of a chat, each after one more question. */
function snapshots(world: InMemoryWorkspace, id: ConversationId, count: number): Promise<SnapshotId>[] {
  const { workspace } = world;
  const { conversation } = workspace.documents.open(id);
  const author = workspace.me.accountId;
  conversation.setSystemPrompt("Answer for somebody who has never seen the sea.");
  return Array.from({ length: count }, (_, index) => {
    const leaf = conversation.branch()[index === 0 ? 1 : conversation.branch().length - 1]?.id;
    const frozen = freezeConversation(conversation, { author, ...(leaf !== undefined && { leaf }) });
    if (!frozen.ok) throw new Error(frozen.failure);
    const title = index === 0 ? "Tides, first try" : `Tides, try ${index + 1}`;
    const labels = { title, note: "The version the lesson was built on.", tags: ["lesson", "sea"] };
    return workspace.snapshots.take({ conversationId: id, content: frozen.value, ...labels });
  });
}

async function showWhenTaken(
  taken: readonly Promise<SnapshotId>[],
  path: (id: string, before: string) => string,
): Promise<void> {
  const [one = "", , three = ""] = await Promise.all(taken);
  history.replaceState(null, "", path(three, one));
}

const snapshotScene = (path: (id: string, before: string) => string): Scene => ({
  play(world) {
    library(world, 6);
    const id = answered(world);
    const first = snapshots(world, id, 1);
    const open = world.workspace.documents.open(id);
    const parentId = open.conversation.branch().at(-1)?.id;
    sendPrompt(world.workspace, open, { text: "And on other planets?", parentId, model: "t/m", takesDraft: true });
    world.answer(id, { text: "Other worlds have tides too.", status: "completed" });
    const more = snapshots(world, id, 2);
    void showWhenTaken([...first, ...more], path);
    return id;
  },
});

/** The states to look at, by the name given in `?scene=`. */
export const scenes: Record<string, Scene> = {
  "chat-with-snapshots": snapshotScene(() => location.pathname),
  snapshot: snapshotScene((id) => `/snapshots/${id}`),
  compare: snapshotScene((id, before) => `/compare/${before}/${id}`),
  empty: { play: () => undefined },
  guide: { models: GUIDE, play: () => undefined },
  full: {
    play(world) {
      library(world, 10);
      return answered(world);
    },
  },
  long: {
    play(world) {
      library(world, 400);
      return answered(world);
    },
  },
  streaming: {
    play(world) {
      library(world, 8);
      const id = answered(world);
      const open = world.workspace.documents.open(id);
      const parentId = open.conversation.branch().at(-1)?.id;
      sendPrompt(world.workspace, open, { text: "And on other planets?", parentId, model: "t/m", takesDraft: true });
      const run = world.answer(id, { text: "", status: "streaming" });
      const text = `Other worlds have tides too.\n\n${MARKDOWN}\n\n${MARKDOWN}`;
      let end = 200;
      world.setLive(run, { text: text.slice(0, end) });
      const timer = setInterval(() => {
        end += 6;
        world.setLive(run, { text: text.slice(0, end) });
        if (end >= text.length) clearInterval(timer);
      }, 40);
      return id;
    },
  },
  queued: {
    play(world) {
      library(world, 8);
      const id = chat(world, "Explain how tides work");
      const run = world.answer(id, { text: "Tides are the sea's slow answer to the Moon.", status: "streaming" });
      world.setLive(run, { text: "Tides are the sea's slow answer to the Moon." });
      const open = world.workspace.documents.open(id);
      const parentId = open.conversation.branch().at(-1)?.id;
      sendPrompt(world.workspace, open, { text: "And who found that out?", parentId, model: "t/m", takesDraft: true });
      world.setDelivery(world.delivered.at(-1)?.runId ?? "", { type: "queued" });
      return id;
    },
  },
  failed: ended("failed", "rate_limited", ""),
  interrupted: ended("interrupted", "provider_cut", "Monday: lentil soup with bread.\n\nTuesday: pasta with"),
  offline: {
    play(world) {
      library(world, 8);
      const id = answered(world);
      const open = world.workspace.documents.open(id);
      const parentId = open.conversation.branch().at(-1)?.id;
      sendPrompt(world.workspace, open, { text: "And at the poles?", parentId, model: "t/m", takesDraft: true });
      world.setDelivery(world.delivered.at(-1)?.runId ?? "", { type: "queued" });
      world.setSync({ online: false, status: { type: "offline", changes: 3 } });
      return id;
    },
  },
  versions: {
    play(world) {
      library(world, 4);
      const id = answered(world);
      const open = world.workspace.documents.open(id);
      const [first] = open.conversation.branch();
      sendPrompt(world.workspace, open, {
        text: "Explain tides to a child",
        parentId: first?.parentId,
        model: "t/m",
        takesDraft: false,
      });
      world.answer(id, { text: "The Moon tugs at the sea.", status: "completed" });
      return id;
    },
  },
  gone: {
    play(world) {
      library(world, 3);
      const id = world.newConversationId();
      world.workspace.documents.open(id);
      world.setStatus(id, { type: "gone" });
      return id;
    },
  },
  trash: {
    path: "/trash",
    play(world) {
      library(world, 5);
      const now = world.workspace.clock.now();
      const deleted = [0, 1, 12, 29].map((daysAgo, index) => {
        const id = chat(world, TITLES[8 + (index % 4)] ?? "");
        world.at(id, now - daysAgo * DAY, (conversation) => conversation.setDeleted(true));
        world.mark(id, { deletedAt: now - daysAgo * DAY });
        return id;
      });
      const [, changed, erasing, erased] = deleted;
      if (changed) world.mark(changed, { changedAfterDeletion: true });
      if (erasing) world.mark(erasing, { erasing: true });
      if (erased) world.mark(erased, { changedAfterDeletion: true, erased: true });
      return undefined;
    },
  },
  full_device: {
    play(world) {
      library(world, 3);
      world.setSync({ online: true, status: { type: "cannot-save", reason: "full", onlyHere: 0, unsent: 0 } });
      return undefined;
    },
  },
  superseded_offline: {
    play(world) {
      library(world, 3);
      world.setSync({ online: false, status: { type: "cannot-save", reason: "superseded", onlyHere: 3, unsent: 3 } });
      return undefined;
    },
  },
  evicted: {
    play(world) {
      library(world, 3);
      world.setNotice({ type: "evicted", chats: 2 });
      return undefined;
    },
  },
};
