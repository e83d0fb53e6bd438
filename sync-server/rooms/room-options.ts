import type { ProcessorTime } from "./integration-watch.ts";
import type { RoomMemory } from "./room-memory.ts";

/** What a room is given from outside. */
export interface RoomOptions {
  /** a number in [0, 1) */
  random: () => number;
  idleMs?: number;
  /** measures what integrating an update costs; without it an update may take as long as it likes */
  processorTime?: ProcessorTime;
  /** how often digests are shown anew, in ms */
  digestMs?: number;
  /** the most rows that are left unfolded, 200 by default */
  foldRows?: number | undefined;
  /** the memory that live documents share; without it there is enough */
  memory?: RoomMemory;
}
