import type { Database } from "#server/storage/database.ts";
import type { openRunLog } from "#server/runs/run-log.ts";
import { createFrame } from "#server/runs/frame.ts";
import type { Owner, World } from "./world.ts";

/** Bugs put in on purpose, each at a seam: the product knows nothing of them. */
export const PLANTED_BUGS = ["ack-before-commit", "no-dependency-check", "fan-out-before-append"] as const;
export type PlantedBug = (typeof PLANTED_BUGS)[number];

/** How long what was called durable is in memory only. */
const LATE_MS = 120;

/** A store that says "durable" first and writes later. */
export function acknowledgeBeforeCommit(database: Database, owner: Owner, world: World): Database {
  return {
    ...database,
    async commit(statements) {
      world.after(LATE_MS, () => void database.commit(statements).catch(() => undefined), owner);
    },
  };
}

/** A run log that shows each frame before it has asked the store to keep it. */
export const fanOutBeforeAppend =
  (open: typeof openRunLog): typeof openRunLog =>
  (options) => {
    const log = open({ ...options, onDurable: () => undefined });
    return {
      ...log,
      append(body, set, also) {
        log.append(body, set, also);
        options.onDurable([createFrame(log.seq, body)]);
      },
      get unwritten() {
        return log.unwritten;
      },
      get seq() {
        return log.seq;
      },
      get lost() {
        return log.lost;
      },
    };
  };
