import type { Documents } from "#client/local-store/documents.ts";
import type { Snapshots } from "#client/local-store/snapshots.ts";
import { whenLoaded } from "#client/local-store/when-loaded.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { conversationMarkdown, exportConversation } from "#shared/documents/export-conversation.ts";
import { conversationHtml, snapshotHtml, snapshotJson, snapshotMarkdown } from "#shared/documents/export-snapshot.ts";
import type { FactWords } from "#shared/documents/transcript.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { SnapshotSummary } from "#shared/domain/snapshot.ts";
import { displayTitle } from "#shared/domain/summary.ts";
import { fileNameOf } from "#shared/lib/file-name.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { FILE_LINES, SNAPSHOT_FILE_ENDING } from "#shared/provenance/snapshot-file.ts";

// One chat or snapshot as a file (docs/export-format.md). All but the signed file is made on this device, without a network.

/** What is made on this device. */
export type ExportFormat = "markdown" | "json" | "html";

export interface MadeFile {
  name: string;
  content: Blob;
}

/** Its text did not come to this device, or cannot be read here. */
export type MakeFailure = "unread";

const KINDS: Readonly<Record<ExportFormat, { ending: string; type: string }>> = {
  markdown: { ending: ".md", type: "text/markdown;charset=utf-8" },
  json: { ending: ".json", type: "application/json" },
  html: { ending: ".html", type: "text/html;charset=utf-8" },
};

const made = (name: string, format: ExportFormat, text: string): MadeFile => ({
  name: name + KINDS[format].ending,
  content: new Blob([text], { type: KINDS[format].type }),
});

/** Named after the title, and its number among the snapshots of its chat. */
const snapshotName = (summary: SnapshotSummary, { snapshot }: Pick<FactWords, "snapshot">): string => {
  const title = fileNameOf(displayTitle(summary), "");
  return title === "" ? fileNameOf(snapshot(summary.number), "Snapshot") : `${title} ${summary.number}`;
};

export interface SnapshotExport {
  summary: SnapshotSummary;
  format: ExportFormat;
  words: FactWords;
  /** Says, by place, what is known of whether a model said a message. Without it nothing is said of that. */
  marksOf?: (content: FrozenContent) => Promise<readonly string[]>;
}

/** A snapshot as a file. Asks the server for its messages where they are not here. */
export async function makeSnapshotFile(
  snapshots: Pick<Snapshots, "content" | "fetch">,
  { summary, format, words, marksOf }: SnapshotExport,
): Promise<Result<MadeFile, MakeFailure>> {
  let read = await snapshots.content(summary.id);
  if (!read.ok && (await snapshots.fetch(summary.id))) read = await snapshots.content(summary.id);
  if (!read.ok) return err("unread");
  const name = snapshotName(summary, words);
  if (format === "json") return ok(made(name, format, snapshotJson(summary, read.value)));
  const write = format === "html" ? snapshotHtml : snapshotMarkdown;
  return ok(made(name, format, write(summary, read.value, words, await marksOf?.(read.value))));
}

export interface ConversationExport {
  id: ConversationId;
  format: ExportFormat;
  words: FactWords;
  /** ms since 1970 */
  now: number;
}

/** A conversation as a file, as it is on this device now. */
export async function makeConversationFile(
  documents: Pick<Documents, "open">,
  wish: ConversationExport,
): Promise<Result<MadeFile, MakeFailure>> {
  const open = documents.open(wish.id);
  try {
    await whenLoaded(open);
    const { conversation } = open;
    if (open.status().type === "gone" || conversation.schemaVersion() === 0) return err("unread");
    const name = fileNameOf(displayTitle(conversation.summary()), wish.words.untitled);
    return ok(made(name, wish.format, conversationText(conversation, wish)));
  } finally {
    open.release();
  }
}

function conversationText(conversation: ConversationDocument, { id, format, words, now }: ConversationExport): string {
  switch (format) {
    case "markdown":
      return conversationMarkdown(conversation, words);
    case "html":
      return conversationHtml(conversation, words);
    case "json": {
      const conversations = [exportConversation(id, conversation, words)];
      const exportedAt = new Date(now).toISOString();
      const file = {
        format: "holdfast.export",
        version: 1,
        exportedAt,
        conversations,
        notOnThisDevice: [],
        snapshots: [],
      };
      return `${JSON.stringify(file, null, 2)}\n`;
    }
  }
}

/** Why there is no signed file: no network, no such snapshot on the server, or an answer that is none. */
export type SignedFailure = "offline" | "not-found" | "refused";

/** A snapshot as the file that the server signs; byte by byte as it came, which is what the signature is of. */
export async function fetchSignedFile(
  fetch: typeof globalThis.fetch,
  summary: SnapshotSummary,
  words: Pick<FactWords, "snapshot">,
): Promise<Result<MadeFile, SignedFailure>> {
  try {
    const response = await fetch(`/api/snapshots/${encodeURIComponent(summary.id)}/file`);
    if (response.status === 404) return err("not-found");
    const content = await response.blob();
    // Whoever stands on the way may answer with a page of their own.
    const begins = await content.slice(0, FILE_LINES.format.length).text();
    if (!response.ok || begins !== FILE_LINES.format) return err("refused");
    return ok({ name: snapshotName(summary, words) + SNAPSHOT_FILE_ENDING, content });
  } catch {
    return err("offline"); // the request or its body did not come through
  }
}
