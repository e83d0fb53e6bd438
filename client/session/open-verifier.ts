import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { Jwks } from "#shared/provenance/signing-keys.ts";
import { verifyAnswers } from "#shared/provenance/verify-answer.ts";
import type { Sha256 } from "#shared/provenance/verify-answer.ts";
import { verifySnapshotFile } from "#shared/provenance/verify-snapshot-file.ts";
import { openServerKeys } from "./server-keys.ts";
import type { ServerKeysParts } from "./server-keys.ts";
import type { AnswerMarks, Verifier } from "./verifier.ts";

const sha256: Sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const NO_KEYS: Jwks = { keys: [] };

const markBy = async (content: FrozenContent, keys: Jwks): Promise<Extract<AnswerMarks, { type: "marked" }>> => ({
  type: "marked",
  marks: await verifyAnswers(content, keys, sha256),
});

/** Asks for the keys at once where there are none: they have to be here when the network is not. */
export function openVerifier(parts: ServerKeysParts): Verifier {
  const keys = openServerKeys(parts);
  if (keys.known() === undefined) void keys.refresh("routine");

  return {
    markBy,
    async markAnswers(content, show) {
      const known = keys.known();
      const marked = known && (await markBy(content, known));
      if (marked) show(marked);
      const isForeign = marked?.marks.some((mark) => mark?.type === "unverified" && mark.reason === "other-server");
      const fresh = await keys.refresh(isForeign ? "missing" : "routine");
      if (fresh === undefined) show({ type: "no-keys" });
      else if (fresh !== known) show(await markBy(content, fresh));
    },
    async checkFile(bytes) {
      // Not asked for first: on a dead connection that takes long, and the keys are here.
      const asked = keys.refresh("routine");
      const known = keys.known() ?? (await asked);
      const verdict = await verifySnapshotFile(bytes, known ?? NO_KEYS);
      const fresh = verdict.type === "other-server" ? await keys.refresh("missing") : known;
      return {
        verdict: fresh === known ? verdict : await verifySnapshotFile(bytes, fresh ?? NO_KEYS),
        keysKnown: fresh !== undefined,
      };
    },
    checkByItself: (bytes) => verifySnapshotFile(bytes, undefined),
  };
}
