import * as Y from "yjs";

/** How many steps pass between two looks at the clock: a look costs about as much as ten of them. */
const STEPS_PER_LOOK = 64;

/** The processor time that was used so far, in ms. Standing still must not count: a stall is no fault of the update. */
export type ProcessorTime = () => number;

export class TookTooLong extends Error {}

type Structs = NonNullable<ReturnType<Y.Doc["store"]["clients"]["get"]>>;

export interface IntegrationWatch {
  /** Applies a V1 update; throws `TookTooLong` once that much processor time was used, and leaves a broken copy (R14). */
  apply(update: Uint8Array, origin: unknown, until: number): void;
}

/**
 * Ends the integration of an update that takes too long. Yjs walks over the concurrent neighbours of every item,
 * and moves all later structs of a client for every deleted range, so an update of 56 KB can take a minute. It
 * cannot be told to stop, but for each item it asks the store of the document, and for each range the decoder:
 * these throw once the time is used up.
 * @param doc a document nothing was written to yet
 */
export function watchIntegration(doc: Y.Doc, time: ProcessorTime): IntegrationWatch {
  let end = Infinity;
  let steps = 0;

  function step(): void {
    if (end === Infinity) return;
    steps += 1;
    if (steps % STEPS_PER_LOOK === 0 && time() > end) throw new TookTooLong("The update takes too long");
  }

  class WatchedClients extends Map<number, Structs> {
    override get(client: number): Structs | undefined {
      step();
      return super.get(client);
    }
  }

  class WatchedDecoder extends Y.UpdateDecoderV1 {
    override readDsClock(): number {
      step();
      return super.readDsClock();
    }
  }

  doc.store.clients = new WatchedClients();
  return {
    apply(update, origin, until) {
      end = until;
      try {
        Y.applyUpdateV2(doc, update, origin, WatchedDecoder);
      } finally {
        end = Infinity;
      }
    },
  };
}
