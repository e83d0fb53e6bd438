import type * as Y from "yjs";
import type { Disk } from "./disk.ts";

/** One edit of a person, as far as it was promised to last. */
export interface Mark {
  readonly name: string;
  readonly device: string;
  readonly tab: string;
  readonly document: string;
  /** when it was made, by its device's wall clock */
  readonly madeAt: number;
  /** the run a prompt planned along with it */
  runId: string | undefined;
  /** somebody tried to take the prompt back before it was sent: its run may never start */
  takenBack: boolean;
  /** "on this device": its store has completed it, and was not evicted since */
  stored: boolean;
  /** simulated time since when it is */
  storedAt: number;
  /** its device's store was lost since: edits are written anew from memory, a command that waited is not */
  evicted: boolean;
  /** by its device's clock it was too old once to be delivered as a command: that may be refused */
  expired: boolean;
  /** "saved": the server said it is durable */
  acknowledged: boolean;
}

/** The prefix of the tags by which edits are known again. */
export const MARK_TAG = "tag:d";

/** A command older than this is not delivered any more: the server may have forgotten its run. */
const COMMAND_LIFE_MS = 6 * 24 * 60 * 60_000;

/** Every edit, what was promised of it, and whether the store on the server has it. */
export interface Ledger {
  made(mark: Pick<Mark, "name" | "device" | "tab" | "document" | "madeAt">): Mark;
  stored(mark: Mark): void;
  takenBack(runId: string): void;
  /** A promise of the server; violated at once where it is not true. */
  acknowledged(mark: Mark, how: string): void;
  evicted(device: string): void;
  /** The wall clock of a device was set. */
  clockSet(device: string, now: number): void;
  of(device: string): Iterable<Mark>;
  all(): Iterable<Mark>;
  isDurable(document: string, mark: string): boolean;
}

export function createLedger(disk: Disk, now: () => number, violate: (what: string) => void): Ledger {
  const marks: Mark[] = [];
  const isDurable = (document: string, mark: string): boolean =>
    disk.document(document).getMap("meta").get(`tag:${mark}`) === true;

  return {
    made(made) {
      const mark: Mark = {
        ...made,
        runId: undefined,
        takenBack: false,
        stored: false,
        storedAt: Infinity,
        evicted: false,
        expired: false,
        acknowledged: false,
      };
      marks.push(mark);
      return mark;
    },
    takenBack(runId) {
      for (const mark of marks) if (mark.runId === runId) mark.takenBack = true;
    },
    stored(mark) {
      if (!mark.stored) mark.storedAt = now();
      mark.stored = true;
    },
    acknowledged(mark, how) {
      if (mark.acknowledged) return;
      mark.acknowledged = true;
      if (!isDurable(mark.document, mark.name))
        violate(`O1: ${mark.tab} was told that ${mark.name} is saved (${how}), and it is not stored`);
    },
    evicted(device) {
      for (const mark of marks) if (mark.device === device) Object.assign(mark, { stored: false, evicted: true });
    },
    clockSet(device, wall) {
      for (const mark of marks) mark.expired ||= mark.device === device && wall - mark.madeAt > COMMAND_LIFE_MS;
    },
    of: (device) => marks.filter((mark) => mark.device === device),
    all: () => marks,
    isDurable,
  };
}

/** The marks a transaction set. */
export function* marksSet(event: { keysChanged: ReadonlySet<string>; target: Y.Map<unknown> }): Generator<string> {
  for (const key of event.keysChanged)
    if (key.startsWith(MARK_TAG) && event.target.get(key) === true) yield key.slice("tag:".length);
}
