import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import { SNAPSHOT_FILE_TYPE, writeSnapshotFile } from "#shared/provenance/snapshot-file.ts";
import type { SnapshotFileMeta } from "#shared/provenance/snapshot-file.ts";
import type { Signing } from "./open-signing.ts";

/** Writes a snapshot as a signed file (docs/snapshot-file.md), with all keys that this server publishes. */
export async function signSnapshotFile(
  content: FrozenContent,
  meta: Omit<SnapshotFileMeta, "server">,
  signing: Pick<Signing, "issuer" | "signer">,
): Promise<string> {
  const { keys, sign } = await signing.signer();
  return writeSnapshotFile({
    meta: { ...meta, server: signing.issuer },
    content,
    keys,
    sign: (claims) => sign(SNAPSHOT_FILE_TYPE, claims),
  });
}
