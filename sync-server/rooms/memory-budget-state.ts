/**
 * The part of the heap that live documents may take. At the smallest heap that is worth running in (128 MB, of which
 * V8 says 176 with its young generation) the server itself takes 35 MB, and decoding, comparing and encoding one
 * document a multiple of it for a moment.
 */
const HEAP_SHARE = 0.3;

/** @param heapLimit what V8 says it may use, in bytes */
export const roomBudget = (heapLimit: number): number => Math.floor(heapLimit * HEAP_SHARE);

/**
 * `crowded`: others take what it needs, and it will fit when they are gone. `too-big`: it does not fit even alone.
 */
export type Room = "fits" | "crowded" | "too-big";

/** How much of the budget each live document takes, in bytes of heap. Pure: it counts what it is told. */
export interface MemoryBudget {
  /** What the document of a room takes now; 0 where it has no live copy. */
  holds(room: string, bytes: number): void;
  total(): number;
  /** by how much the budget would be exceeded with so many more bytes; 0 or less where it would not */
  excess(more: number): number;
  /** Whether the document of a room may take so many more bytes. */
  mayGrow(room: string, more: number): Room;
  /** Whether a document may be opened. One that is there must be readable, whatever it takes: alone if need be. */
  mayOpen(room: string, bytes: number): boolean;
}

export function createMemoryBudget(budget: number): MemoryBudget {
  const held = new Map<string, number>();
  let total = 0;
  const excess = (more: number): number => total + more - budget;
  return {
    holds(room, bytes) {
      total += bytes - (held.get(room) ?? 0);
      if (bytes === 0) held.delete(room);
      else held.set(room, bytes);
    },
    total: () => total,
    excess,
    mayGrow(room, more) {
      if (excess(more) <= 0) return "fits";
      return (held.get(room) ?? 0) + more > budget ? "too-big" : "crowded";
    },
    mayOpen: (room, bytes) => excess(bytes) <= 0 || total === (held.get(room) ?? 0),
  };
}
