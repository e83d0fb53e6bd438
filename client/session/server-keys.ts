import type { Clock, Platform } from "#client/platform/platform.ts";
import type { SmallStorage } from "#client/platform/small-storage.ts";
import { jwksSchema } from "#shared/provenance/signing-keys.ts";
import type { Jwks } from "#shared/provenance/signing-keys.ts";
import { remembered } from "./remembered.ts";

/** How long the server is not asked again, in ms, unless a key is missing: as long as it lets others keep its keys. */
const FRESH_MS = 300_000;

/** ms after which a request without an answer is given up: what waits for it goes on with the keys that are here */
const ANSWER_MS = 8_000;

export interface ServerKeysParts {
  fetch: Platform["fetch"];
  clock: Pick<Clock, "now" | "after">;
  smallStorage: SmallStorage;
  accountId: string;
}

/** The keys this server publishes, as it last said. The same object until they are others. */
export interface ServerKeys {
  known(): Jwks | undefined;
  /**
   * Asks the server and answers what is known then. Where it was asked lately it is not asked again, unless a key is
   * `missing`. Never rejects.
   */
  refresh(why: "routine" | "missing"): Promise<Jwks | undefined>;
}

/** Keeps the keys on this device, among what is this account's. */
export function openServerKeys({ fetch, clock, smallStorage, accountId }: ServerKeysParts): ServerKeys {
  const kept = remembered(smallStorage, `holdfast.keys.${accountId}`, jwksSchema);
  let known = kept.read();
  let askedAt = -Infinity;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    const answer = await askKeys(fetch, clock);
    if (answer === undefined) return;
    askedAt = clock.now();
    if (JSON.stringify(answer) === JSON.stringify(known)) return;
    known = answer;
    kept.write(answer);
  }

  return {
    known: () => known,
    async refresh(why) {
      if (why === "missing" || known === undefined || clock.now() - askedAt > FRESH_MS) {
        asking ??= ask().finally(() => (asking = undefined));
        await asking;
      }
      return known;
    },
  };
}

async function askKeys(fetch: Platform["fetch"], clock: Pick<Clock, "after">): Promise<Jwks | undefined> {
  const giveUp = new AbortController();
  const stopTimer = clock.after(ANSWER_MS, () => giveUp.abort());
  try {
    const response = await fetch("/.well-known/jwks.json", { cache: "no-cache", signal: giveUp.signal });
    if (!response.ok) {
      await response.body?.cancel();
      return undefined;
    }
    const parsed = jwksSchema.safeParse(await response.json());
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // asked again with the next snapshot; the last answer stays
  } finally {
    stopTimer();
  }
}
