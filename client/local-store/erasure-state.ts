import { isDeleted } from "./library-state.ts";
import type { SummaryRecord } from "./local-store.ts";

/** Whether this device holds edits of an erased conversation that somebody may want: not where it deleted it itself. */
export const isWantedStill = (record: SummaryRecord | undefined): boolean =>
  record?.erasing !== true && (record?.changedAfterDeletion === true || !isDeleted(record));
