import * as Y from "yjs";
import { canonicalContent } from "#shared/documents/canonical-content.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { BULK_TYPE, encodePush, parsePushAnswers } from "#shared/protocol/bulk-sync.ts";
import { feedSchema } from "#shared/protocol/feed-bodies.ts";
import type { FeedEntry } from "#shared/protocol/feed-bodies.ts";
import { accountAt } from "#tests/support/account.ts";
import type { Account } from "#tests/support/account.ts";
import { conversationRoom, newId } from "#tests/support/attacked-server.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import { longAnswer } from "#tests/support/stored-conversation.ts";
import { runBody } from "#tests/support/written-chat.ts";
import type { Chat } from "#tests/support/written-chat.ts";

/** Part of every prompt whose answer goes on while the guest signs in. */
export const SLOWLY = "say it slowly";

/** A device's copies of documents, by id. */
type Copies = ReadonlyMap<string, Y.Doc>;

/** A guest of whom the server has something of every kind. */
export interface MergingGuest {
  readonly who: Account;
  /** every document but the erased one; of an answered one, what its device wrote */
  readonly copies: Copies;
  /** what each holds, as a reader sees it; nothing is said of the one that is being answered */
  readonly contents: ReadonlyMap<string, string>;
  readonly erased: string;
  readonly answered: Chat;
  readonly streaming: Chat;
}

function written(edit: (conversation: ConversationDocument) => void): Y.Doc {
  const doc = new Y.Doc();
  edit(openConversation(doc, "local"));
  return doc;
}

const aChat = (words: string, promptId = newId()): Y.Doc =>
  written((conversation) => {
    conversation.rename(words);
    conversation.addPrompt({ id: promptId as MessageId, parentId: undefined, text: words, createdAt: 1 });
  });

function aLongChat(words: string): Y.Doc {
  return written((conversation) => {
    conversation.rename(words);
    let parentId: MessageId | undefined;
    for (let turn = 1; turn <= 60; turn++) {
      const id = newId() as MessageId;
      conversation.addPrompt({ id, parentId, text: longAnswer(turn), createdAt: turn });
      parentId = id;
    }
  });
}

/** Documents of all kinds that need no run, by their number: drafts, long ones, some in the trash, and short ones. */
function aDocument(at: number): Y.Doc {
  const words = `Chat ${at} of the guest`;
  if (at === 0) return written((conversation) => conversation.setDraft("Not sent yet"));
  const doc = at % 8 === 1 ? aLongChat(words) : aChat(words);
  if (at % 7 === 2) openConversation(doc, "local").setDeleted(true);
  return doc;
}

/** Hands in everything the documents hold beyond `since`, in one request, as somebody; answers what became of each. */
export async function pushAll(who: Guest, copies: Copies, since?: ReadonlyMap<string, Uint8Array>): Promise<string[]> {
  const edits = [...copies].map(([id, doc]) => ({
    id: id as ConversationId,
    epoch: 0,
    update: Y.encodeStateAsUpdate(doc, since?.get(id)),
  }));
  const pushed = await who.fetch("/api/sync/push", {
    method: "POST",
    headers: { "content-type": BULK_TYPE },
    body: encodePush(edits).slice(),
  });
  const answers = parsePushAnswers(new Uint8Array(await pushed.arrayBuffer()));
  if (!answers.ok) throw new Error(`no answer to a push: ${pushed.status}`);
  return answers.value.map((one) => (one.type === "refused" ? `refused ${one.code}` : one.type));
}

async function pushNew(who: Guest, copies: Copies): Promise<void> {
  const other = (await pushAll(who, copies)).filter((said) => said !== "acknowledged");
  if (other.length > 0) throw new Error(`not taken: ${other.join()}`);
}

export function putRun(who: Account, chat: Chat): Promise<Response> {
  return who.send("PUT", `/api/runs/${chat.runId}`, runBody(chat));
}

const newChat = (): Chat => ({ conversationId: newId(), promptId: newId(), answerId: newId(), runId: newId() });

/** What a document holds, read by a device that comes fresh. */
export async function contentAt(url: string, who: Guest, id: string): Promise<string> {
  const device = openNodeDevice(url, who.cookie, conversationRoom(id));
  await device.until(() => device.arrived() || device.refused().length > 0);
  const content = device.refused().length > 0 ? `refused: ${device.refused().join()}` : device.content();
  device.close();
  return content;
}

/** Documents of somebody who has a few; answers what each holds. */
export async function writeOwn(who: Account, count: number): Promise<Map<string, string>> {
  const copies = new Map(Array.from({ length: count }, (_, at) => [newId(), aChat(`Own chat ${at}`)]));
  await pushNew(who, copies);
  return new Map([...copies].map(([id, doc]) => [id, canonicalContent(doc)]));
}

async function erase(who: Account, id: string): Promise<void> {
  for (;;) {
    // On a busy machine a connection that was kept open may be closed just now.
    const response = await who.send("DELETE", `/api/conversations/${id}`).catch(() => undefined);
    if (response?.status === 204) return;
    // Until the room has told the library that it is in the trash.
    if (response && response.status !== 409) throw new Error(`not erased: ${response.status} ${await response.text()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Makes a guest with so many documents: one of them erased, one answered, and one whose answer has just begun. */
export async function aMergingGuest(url: string, count: number): Promise<MergingGuest> {
  const who = await accountAt(url, (await signInGuest(url)).cookie);
  const copies = new Map(Array.from({ length: count - 3 }, (_, at) => [newId(), aDocument(at)]));
  const [erased, answered, streaming] = [newId(), newChat(), newChat()];
  copies.set(answered.conversationId, aChat("An answered chat", answered.promptId));
  copies.set(streaming.conversationId, aChat(SLOWLY, streaming.promptId));
  const trashed = aChat("Erased");
  openConversation(trashed, "local").setDeleted(true);
  await pushNew(who, new Map([...copies, [erased, trashed]]));
  await erase(who, erased);
  const started = await putRun(who, answered);
  if (started.status !== 201) throw new Error(`no run: ${started.status} ${await started.text()}`);
  const contents = new Map([...copies].map(([id, doc]) => [id, canonicalContent(doc)]));
  contents.delete(streaming.conversationId);
  contents.set(answered.conversationId, await contentOnceAnswered(url, who, answered));
  return { who, copies, contents, erased, answered, streaming };
}

async function contentOnceAnswered(url: string, who: Account, { conversationId, answerId }: Chat): Promise<string> {
  const device = openNodeDevice(url, who.cookie, conversationRoom(conversationId));
  await device.until(() => {
    const message = device.conversation.message(answerId);
    return message?.role === "assistant" && message.run?.status === "completed";
  });
  const content = device.content();
  device.close();
  return content;
}

/** Everything the feed of somebody lists, as often as it does. */
export async function feedOf(who: Guest): Promise<FeedEntry[]> {
  const found: FeedEntry[] = [];
  for (let cursor = 0; ;) {
    const page = feedSchema.parse(await (await who.fetch(`/api/sync/feed?cursor=${cursor}`)).json());
    found.push(...page.entries);
    if (!page.more) return found;
    cursor = page.cursor;
  }
}
