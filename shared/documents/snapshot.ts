import type * as Y from "yjs";
import type { Manifest } from "#shared/domain/frozen-content.ts";
import { contentIdOf } from "#shared/domain/frozen-content.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { NOTE_LENGTH } from "#shared/domain/snapshot.ts";
import type { SnapshotLabels, SnapshotSummary } from "#shared/domain/snapshot.ts";
import { TITLE_LENGTH } from "#shared/domain/summary.ts";
import { canonicalJson } from "#shared/lib/canonical-json.ts";

/** The version of the shape below. */
export const SNAPSHOT_SCHEMA = 1;

/** The names of the root types; `comments` is for what is said about a snapshot. The server alone writes any of them. */
export const SNAPSHOT_ROOTS = ["meta", "frozen", "comments"] as const;

/** What a snapshot is made with; the server stamps number, time and account. */
export interface NewSnapshot extends SnapshotLabels {
  id: SnapshotId;
  conversationId: ConversationId;
  number: number;
  manifest: Manifest;
  /** see `modelOf` */
  model: string;
  excerpt: string;
  createdAt: number;
  createdBy: string;
}

export type SnapshotDocument = ReturnType<typeof openSnapshot>;

const TAG_PREFIX = "tag:";

/**
 * Reads and edits a snapshot in a Y.Doc. What was frozen is set once, as the canonical JSON of its manifest, whose hash
 * is `contentId`; the messages it names are stored beside the document, once for all snapshots that share them.
 */
export function openSnapshot(doc: Y.Doc, origin: unknown) {
  const meta = doc.getMap<unknown>("meta");
  const frozen = doc.getMap<unknown>("frozen");
  const number = (key: string): number => (typeof frozen.get(key) === "number" ? (frozen.get(key) as number) : 0);
  const tags = (): string[] =>
    [...meta.keys()]
      .filter((key) => key.startsWith(TAG_PREFIX) && meta.get(key) === true)
      .map((key) => key.slice(TAG_PREFIX.length))
      .toSorted();
  const setIfChanged = (key: string, value: unknown): void => {
    if (meta.get(key) !== value) meta.set(key, value);
  };

  function setLabels(labels: Partial<SnapshotLabels>): void {
    if (labels.title !== undefined) setIfChanged("title", labels.title.slice(0, TITLE_LENGTH));
    if (labels.note !== undefined) setIfChanged("note", labels.note.slice(0, NOTE_LENGTH));
    if (labels.tags === undefined) return;
    for (const tag of tags()) if (!labels.tags.includes(tag)) meta.delete(TAG_PREFIX + tag);
    for (const tag of labels.tags) setIfChanged(TAG_PREFIX + tag, true);
  }

  return {
    doc,
    schemaVersion: (): number => (typeof meta.get("schema") === "number" ? (meta.get("schema") as number) : 0),
    /** The canonical JSON of the manifest; "" before it was frozen. */
    manifestText: (): string => text(frozen, "manifest"),
    isDeleted: (): boolean => meta.get("deleted") === true,
    summary(): SnapshotSummary {
      const manifest = parseManifest(text(frozen, "manifest"));
      return {
        id: text(frozen, "id") as SnapshotId,
        conversationId: text(frozen, "conversationId") as ConversationId,
        number: number("number"),
        contentId: text(frozen, "contentId"),
        head: manifest?.head ?? null,
        messageCount: manifest?.messageCount ?? 0,
        model: text(frozen, "model") || (manifest?.settings.model ?? ""),
        excerpt: text(frozen, "excerpt"),
        title: text(meta, "title"),
        note: text(meta, "note"),
        tags: tags(),
        createdAt: number("createdAt"),
        createdBy: text(frozen, "createdBy"),
        deleted: meta.get("deleted") === true,
      };
    },
    /** Freezes. Does nothing where something is frozen already. */
    freeze({ manifest, title, note, tags: named, ...stamped }: NewSnapshot): void {
      if (frozen.has("manifest")) return;
      doc.transact(() => {
        meta.set("schema", SNAPSHOT_SCHEMA);
        frozen.set("manifest", canonicalJson(manifest));
        frozen.set("contentId", contentIdOf(manifest));
        for (const [key, value] of Object.entries(stamped)) frozen.set(key, value);
        setLabels({ title, note, tags: named });
      }, origin);
    },
    /** Of two owners' snapshots that become one's own, both may have the number. */
    renumber: (to: number): void => doc.transact(() => void frozen.set("number", to), origin),
    setLabels: (labels: Partial<SnapshotLabels>): void => doc.transact(() => setLabels(labels), origin),
    /** Deleting is a mark, as for conversations. */
    setDeleted: (deleted: boolean): void => doc.transact(() => setIfChanged("deleted", deleted), origin),
  };
}

const text = (map: Y.Map<unknown>, key: string): string => {
  const value = map.get(key);
  return typeof value === "string" ? value : "";
};

/** Written by the server itself in this shape, after it was checked. */
const parseManifest = (json: string): Manifest | undefined =>
  json === "" ? undefined : (JSON.parse(json) as Manifest);
