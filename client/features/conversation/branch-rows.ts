import type { AssistantMessage, Message, PlannedRun, UserMessage } from "#shared/domain/message.ts";

/** One line of the shown branch. A planned answer keeps its key when it begins, so that nothing is remounted. */
export type Row =
  | { type: "prompt"; key: string; message: UserMessage }
  | { type: "answer"; key: string; prompt: UserMessage | undefined; message: AssistantMessage }
  | {
      type: "planned";
      key: string;
      prompt: UserMessage;
      planned: PlannedRun;
      /** the prompt has another answer already; this one comes on top */
      answered: boolean;
    };

/** The shown branch with the answers that were asked for but have not begun. */
export function branchRows(branch: readonly Message[], known: (id: string) => boolean): Row[] {
  const rows: Row[] = [];
  let prompt: UserMessage | undefined;
  let pending: (Row & { type: "planned" }) | undefined;
  const flush = (): void => {
    if (pending) rows.push(pending);
    pending = undefined;
  };
  for (const message of branch) {
    if (message.role === "user") {
      flush();
      prompt = message;
      rows.push({ type: "prompt", key: message.id, message });
      const planned = message.plannedRun;
      if (planned && !known(planned.messageId)) {
        pending = { type: "planned", key: planned.messageId, prompt: message, planned, answered: false };
      }
    } else {
      rows.push({ type: "answer", key: message.id, prompt, message });
      if (pending) pending = { ...pending, answered: true };
      flush();
    }
  }
  flush();
  return rows;
}

/** Rows that are shown together. */
export type Batch = readonly Row[];

/** So few that showing a batch takes a fraction of a frame, so many that the last two fill a screen. */
export const ROWS_A_BATCH = 24;

/**
 * The rows cut into batches, counted from the first row so that a row stays in its batch when others follow.
 * @param before the batches so far: one that did not change is the same array again
 */
export function rowBatches(rows: readonly Row[], before: readonly Batch[]): Batch[] {
  return Array.from({ length: Math.ceil(rows.length / ROWS_A_BATCH) }, (_, index) => {
    const batch = rows.slice(index * ROWS_A_BATCH, (index + 1) * ROWS_A_BATCH);
    const known = before[index];
    return known !== undefined && sameRows(known, batch) ? known : batch;
  });
}

const sameRows = (a: Batch, b: Batch): boolean =>
  a.length === b.length && a.every((row, index) => sameRow(row, b[index]));

/** What a row holds keeps its identity for as long as it is the same. */
const sameRow = (a: Row, b: Row | undefined): boolean =>
  b !== undefined && Object.entries({ ...a, ...b }).every(([key, value]) => a[key as keyof Row] === value);

/** Where a message stands among the versions of its turn; positions count from 1. */
export function versionOf(siblings: readonly Message[], id: string) {
  const index = siblings.findIndex((sibling) => sibling.id === id);
  return {
    position: index + 1,
    count: siblings.length,
    previous: siblings[index - 1]?.id,
    next: index >= 0 ? siblings[index + 1]?.id : undefined,
  };
}
