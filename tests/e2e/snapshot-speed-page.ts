import { startComparing } from "#client/features/snapshots/compare-state.ts";
import { inSlices, pageSchedule } from "#client/platform/slices.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { Jwks } from "#shared/provenance/signing-keys.ts";
import { verifyAnswers } from "#shared/provenance/verify-answer.ts";
import { comparedPair } from "#tests/support/compared-pairs.ts";
import type { PairName } from "#tests/support/compared-pairs.ts";

// The page in which snapshot-speed.spec.ts and the benchmark of pairs time what the app computes, without the app.

/** ms by the clock of the page. */
export interface ComparedIn {
  /** all slices together */
  sum: number;
  longestSlice: number;
  /** rows in which the texts differ */
  changed: number;
}

export interface VerifiedIn {
  /** ms until all marks were known */
  took: number;
  verified: number;
}

let pair = comparedPair("typical");
/** What is to be compared next: writing it is not what is timed. */
function prepare(name: PairName): void {
  pair = comparedPair(name);
}

async function compare(): Promise<ComparedIn> {
  const { steps, now } = startComparing(pair.left, pair.right);
  const slices: number[] = [];
  let began = performance.now();
  await inSlices(steps, {
    signal: new AbortController().signal,
    onSlice: () => void slices.push(performance.now() - began),
    schedule: {
      ...pageSchedule,
      async pause() {
        await pageSchedule.pause();
        began = performance.now();
      },
    },
  });
  const { rows = [] } = now();
  const changed = rows.filter((row) => row.type === "pair" && row.text.type === "changed").length;
  return { sum: slices.reduce((all, one) => all + one, 0), longestSlice: Math.max(...slices), changed };
}

async function verify(content: FrozenContent, keys: Jwks): Promise<VerifiedIn> {
  const began = performance.now();
  const marks = await verifyAnswers(
    content,
    keys,
    async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)),
  );
  const took = performance.now() - began;
  return { took, verified: marks.filter((mark) => mark?.type === "verified").length };
}

export const snapshotSpeedPage = { prepare, compare, verify };
Object.assign(globalThis, { snapshotSpeedPage });
