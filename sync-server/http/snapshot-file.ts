import { Hono } from "hono";
import type { Signing } from "#server/signing/open-signing.ts";
import { signSnapshotFile } from "#server/signing/sign-snapshot-file.ts";
import type { SnapshotTexts } from "#server/snapshots/read-snapshots.ts";
import type { SnapshotService } from "#server/snapshots/snapshot-service.ts";
import type { FrozenContent, FrozenMessage, Manifest } from "#shared/domain/frozen-content.ts";
import { parseSnapshotId } from "#shared/domain/ids.ts";
import type { SnapshotSummary } from "#shared/domain/snapshot.ts";
import { fileNameOf } from "#shared/lib/file-name.ts";
import { SNAPSHOT_FILE_ENDING } from "#shared/provenance/snapshot-file.ts";
import type { AppEnv } from "./app-env.ts";
import { problem } from "./problem.ts";

interface SnapshotFileParts {
  snapshots: Pick<SnapshotService, "read">;
  signing: Pick<Signing, "issuer" | "signer">;
}

/** `GET /:id/file`: a snapshot as a signed file. Mounted at `/api/snapshots`. */
export const snapshotFileRoutes = ({ snapshots, signing }: SnapshotFileParts): Hono<AppEnv> =>
  new Hono<AppEnv>().get("/:id/file", async (c) => {
    const id = parseSnapshotId(c.req.param("id"));
    const found = id && (await snapshots.read(c.var.principal, id));
    if (!found?.ok) return problem("not_found");
    const { summary, content } = parsed(found.value);
    const { conversationId, number, title, note, tags, createdAt, createdBy } = summary;
    const meta = { id: summary.id, conversationId, number, title, note, tags, createdAt, createdBy };
    return c.body(await signSnapshotFile(content, meta, signing), 200, {
      "content-type": "application/json",
      "content-disposition": attachment(summary),
      "cache-control": "no-store",
    });
  });

/** Written by the server itself in these shapes. */
const parsed = ({
  summary,
  manifest,
  messages,
}: SnapshotTexts): { summary: SnapshotSummary; content: FrozenContent } => ({
  summary: JSON.parse(summary) as SnapshotSummary,
  content: {
    manifest: JSON.parse(manifest) as Manifest,
    messages: messages.map((message) => JSON.parse(message) as FrozenMessage),
  },
});

/** Named after the title twice: in ASCII for old readers, and as RFC 8187 has it. */
function attachment({ title, number }: SnapshotSummary): string {
  const name = `${fileNameOf(title, "Snapshot")} ${number}`;
  // Folding a title into ASCII makes quotes and slashes of letters that only look like them.
  const plain = name.normalize("NFKD").replace(/[^\x20-\x7e]+|["\\/;]/g, "") || `Snapshot ${number}`;
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}${SNAPSHOT_FILE_ENDING}"; filename*=UTF-8''${encoded}${SNAPSHOT_FILE_ENDING}`;
}
