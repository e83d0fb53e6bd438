import { Hono } from "hono";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { Signing } from "#server/signing/open-signing.ts";
import { signSnapshotFile } from "#server/signing/sign-snapshot-file.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import { parseSnapshotId } from "#shared/domain/ids.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";
import type { SnapshotSummary } from "#shared/domain/snapshot.ts";
import { SNAPSHOT_FILE_ENDING } from "#shared/provenance/snapshot-file.ts";
import type { AppEnv } from "./app-env.ts";
import { problem } from "./problem.ts";

interface SnapshotFileParts {
  /** A snapshot that the caller may read, with all that was frozen; `undefined` where there is none. */
  readSnapshot(
    principal: AccountPrincipal,
    id: SnapshotId,
  ): Promise<{ summary: SnapshotSummary; content: FrozenContent } | undefined>;
  signing: Pick<Signing, "issuer" | "sign" | "keys">;
}

/** `GET /:id/file`: a snapshot as a signed file. Mounted at `/api/snapshots`. */
export const snapshotFileRoutes = ({ readSnapshot, signing }: SnapshotFileParts): Hono<AppEnv> =>
  new Hono<AppEnv>().get("/:id/file", async (c) => {
    const id = parseSnapshotId(c.req.param("id"));
    const found = id && (await readSnapshot(c.var.principal, id));
    if (found === undefined) return problem("not_found");
    const { conversationId, number, title, note, tags, createdAt, createdBy } = found.summary;
    const meta = { id: found.summary.id, conversationId, number, title, note, tags, createdAt, createdBy };
    return c.body(await signSnapshotFile(found.content, meta, signing), 200, {
      "content-type": "application/json",
      "content-disposition": attachment(found.summary),
      "cache-control": "no-store",
    });
  });

/** Named after the title twice: in ASCII for old readers, and as RFC 8187 has it. */
function attachment({ title, number }: SnapshotSummary): string {
  const name = `${
    title
      .toWellFormed()
      .replace(/[\p{C}/\\:*?"<>|]+/gu, " ")
      .trim()
      .slice(0, 80)
      .trim() || "Snapshot"
  } ${number}`;
  const plain = name.normalize("NFKD").replace(/[^\x20-\x7e]+/g, "") || `Snapshot ${number}`;
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}${SNAPSHOT_FILE_ENDING}"; filename*=UTF-8''${encoded}${SNAPSHOT_FILE_ENDING}`;
}
