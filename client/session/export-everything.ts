import * as Y from "yjs";
import type { Library } from "#client/local-store/library.ts";
import type { SnapshotEntry, Snapshots } from "#client/local-store/snapshots.ts";
import type { LocalStore } from "#client/local-store/local-store.ts";
import type { LocalDocument } from "#client/local-store/local-document.ts";
import type { LocalDocuments } from "#client/local-store/open-documents.ts";
import { pageSchedule } from "#client/platform/slices.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { exportConversation } from "#shared/documents/export-conversation.ts";
import type { ExportWords } from "#shared/documents/transcript.ts";
import type { FrozenMessage } from "#shared/domain/frozen-content.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { displayTitle } from "#shared/domain/summary.ts";
import { createFileBuilder } from "./file-builder.ts";
import type { FileBuilder } from "./file-builder.ts";

export interface ExportParts {
  store: LocalStore;
  documents: Pick<LocalDocuments, "opened" | "find">;
  library: Pick<Library, "entries">;
  snapshots: Pick<Snapshots, "entries" | "contents">;
}

export interface ExportedFile {
  file: Blob;
  /** chats in it */
  chats: number;
  /** chats of the library that are not on this device, or cannot be read */
  missing: number;
}

/**
 * Everything readable on this device, in memory and stored, as one JSON file (docs/export-format.md). It needs neither
 * a network nor a store that works. Deleted chats are left out, unless they hold edits that may be nowhere else.
 */
export async function exportEverything(parts: ExportParts, words: ExportWords, now: number): Promise<ExportedFile> {
  const builder = createFileBuilder("application/json");
  const unsent = await readUnsent(parts);
  const changed = new Set(parts.library.entries().flatMap((entry) => (entry.changedAfterDeletion ? [entry.id] : [])));
  const exported = new Set<string>();
  builder.add(
    `{"format":"holdfast.export","version":1,"exportedAt":"${new Date(now).toISOString()}","conversations":[`,
  );
  for (const id of await readIds(parts)) {
    const text = await withConversation(parts, id, (conversation) => {
      if (isLeftOut(conversation, unsent.has(id) || changed.has(id))) return undefined;
      return JSON.stringify({ ...exportConversation(id, conversation, words), onServer: !unsent.has(id) });
    });
    if (text === undefined) continue;
    builder.add(exported.size > 0 ? `,\n${text}` : `\n${text}`);
    exported.add(id);
  }
  const missing = parts.library
    .entries()
    .filter(({ id, summary }) => !summary.deleted && !exported.has(id))
    .map(({ id, summary }) => ({ id, title: displayTitle(summary) }));
  builder.add(`\n],"notOnThisDevice":${JSON.stringify(missing)},"snapshots":[`);
  await addSnapshots(parts.snapshots, builder);
  builder.add("\n]}\n");
  return { file: builder.file(), chats: exported.size, missing: missing.length };
}

/** ms after which a long export lets the page do what else there is */
const SLICE_MS = 8;

/**
 * All snapshots whose content is here, but for those in the trash, unless the server never had them. Messages that
 * several of a chat share are read, checked and written out once.
 */
async function addSnapshots(snapshots: ExportParts["snapshots"], builder: FileBuilder): Promise<void> {
  const wanted = new Map(snapshots.entries().flatMap((entry) => (isInTrash(entry) ? [] : [[entry.summary.id, entry]])));
  const textOf = textOnce();
  let separator = "\n";
  let began = pageSchedule.now();
  await snapshots.contents([...wanted.keys()], async (id, content) => {
    const entry = wanted.get(id);
    if (!content.ok || entry === undefined) return;
    const { deleted: _deleted, head: _head, excerpt: _excerpt, ...about } = entry.summary;
    const { manifest, messages } = content.value;
    const rest = JSON.stringify({ ...about, onServer: isSealed(entry), manifest });
    builder.add(`${separator}${rest.slice(0, -1)},"messages":[${messages.map(textOf).join(",")}]}`);
    separator = ",\n";
    if (pageSchedule.now() - began < SLICE_MS) return;
    await pageSchedule.pause();
    began = pageSchedule.now();
  });
}

const isSealed = ({ state }: SnapshotEntry): boolean => state.type === "sealed" || state.type === "changing";
const isInTrash = (entry: SnapshotEntry): boolean => entry.summary.deleted && isSealed(entry);

/** Messages as JSON; each object once. */
function textOnce(): (message: FrozenMessage) => string {
  const texts = new WeakMap<FrozenMessage, string>();
  return (message) => {
    const text = texts.get(message) ?? JSON.stringify(message);
    texts.set(message, text);
    return text;
  };
}

/** Documents with changes that the server does not have, as far as can be told. */
async function readUnsent({ store, documents }: ExportParts): Promise<Set<ConversationId>> {
  const outbox = await store.outbox();
  const open = [...documents.opened()].filter((document) => document.pending()).map(({ id }) => id);
  return new Set([...(outbox.ok ? outbox.value.rows.keys() : []), ...open]);
}

async function readIds({ store, documents }: ExportParts): Promise<Set<ConversationId>> {
  const stored = await store.documentIds();
  return new Set([...[...documents.opened()].map(({ id }) => id), ...(stored.ok ? stored.value : [])]);
}

const isRead = (document: LocalDocument | undefined): document is LocalDocument =>
  document !== undefined && document.status().type !== "loading";

/** What is open is newer than what is stored. Answers `undefined` where the document cannot be read. */
async function withConversation<T>(
  { store, documents }: ExportParts,
  id: ConversationId,
  read: (conversation: ConversationDocument) => T,
): Promise<T | undefined> {
  const open = documents.find(id);
  if (isRead(open)) return read(open.conversation);
  const stored = await store.load(id);
  if (!stored.ok || stored.value.state === undefined) return undefined;
  const doc = new Y.Doc({ guid: id });
  Y.applyUpdate(doc, stored.value.state);
  const conversation = openConversation(doc, "export");
  const result = read(conversation);
  conversation.close();
  doc.destroy();
  return result;
}

function isLeftOut(conversation: ConversationDocument, isNowhereElse: boolean): boolean {
  const { deleted, title, messageCount } = conversation.summary();
  return (deleted && !isNowhereElse) || (messageCount === 0 && title === "" && conversation.draft.length === 0);
}
