import type { ConversationId } from "#shared/domain/ids.ts";

/** How many documents' edits one request carries at most. */
export const PUSHED_AT_ONCE = 100;

export type PushOutcome =
  /**
   * `settled`: the server has their edits, and their outbox rows are gone; `left`: only an open document can say what
   * is the matter, or get on; `later`: those of them that the same push may bring further
   */
  | { type: "pushed"; settled: ConversationId[]; left: ConversationId[]; later: ConversationId[] }
  /** `reached`: whether the server answered; `undefined` where it was not asked, which says nothing of the network */
  | { type: "failed"; reached: boolean | undefined };
