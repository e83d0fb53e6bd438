import type { MemoryBudget, Room } from "./memory-budget-state.ts";
import { heaviest, weightOfUpdates } from "./document-weight.ts";

/** What one room asks and tells of the memory that all share. */
export interface RoomMemory {
  /** Whether the document may be opened that this log makes. */
  mayOpen(log: readonly Uint8Array[]): boolean;
  /** Whether there is memory for what this update may add. */
  mayTake(update: Uint8Array): Room;
  /** how many bytes of heap the live copy takes now; 0 once there is none */
  holds(bytes: number): void;
}

/** For rooms that share nothing: as much as they like. */
export const UNBOUNDED: RoomMemory = { mayOpen: () => true, mayTake: () => "fits", holds: () => undefined };

/**
 * The share of one room in a budget.
 * @param makeRoom evicts rooms that nobody uses, while so many more bytes do not fit
 */
export function shareOf(budget: MemoryBudget, name: string, makeRoom: (more: number) => void): RoomMemory {
  /** Weighing exactly costs as much as decoding: nearly always the upper bound fits. */
  function need(updates: readonly Uint8Array[]): number {
    const most = heaviest(updates);
    if (budget.excess(most) <= 0) return most;
    const exact = Math.min(most, weightOfUpdates(updates));
    makeRoom(exact);
    return exact;
  }
  return {
    mayOpen: (log) => budget.mayOpen(name, need(log)),
    mayTake: (update) => budget.mayGrow(name, need([update])),
    holds: (bytes) => budget.holds(name, bytes),
  };
}
