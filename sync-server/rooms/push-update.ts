import { CloseCode } from "#shared/protocol/close-codes.ts";
import type { PushAnswer, Pushed } from "#shared/protocol/bulk-sync.ts";
import type { RoomName } from "#shared/domain/room-name.ts";
import { encodeFrame, parseFrame } from "#shared/protocol/sync-frames.ts";
import type { NackCode } from "#shared/protocol/sync-frames.ts";
import type { Principal } from "#server/access/principal.ts";
import type { RoomClock } from "./room-driver.ts";
import type { OnRefused, Session, SessionTransport } from "./rooms.ts";

/** A room that did not answer for so long is not waited for, in ms; the edits may be stored all the same. */
const ANSWER_MS = 20_000;

export interface PushParts {
  /** A push names no kind of document: it is whichever it is. */
  join(principal: Principal, place: Pick<RoomName, "id" | "epoch">, transport: SessionTransport): Session;
  clock: RoomClock;
  onRefused: OnRefused | undefined;
}

/**
 * Hands edits to the room of their document by a session that has no socket: they are checked, stored and shown to
 * others as if they had come by one (R1 to R9). Repeating it changes nothing.
 */
export function pushUpdate(
  { join, clock, onRefused }: PushParts,
  principal: Principal,
  { id, epoch, update }: Pushed,
): Promise<PushAnswer> {
  return new Promise((resolve) => {
    let session: Session | undefined;
    let nacked: NackCode | undefined;
    let answered = false;
    const cancelTimer = clock.after(ANSWER_MS, () => answer({ type: "later" }));

    function answer(what: PushAnswer): void {
      if (answered) return;
      answered = true;
      cancelTimer();
      // The room is in the middle of telling us.
      queueMicrotask(() => session?.left());
      resolve(what);
    }

    const transport: SessionTransport = {
      send(bytes) {
        const frame = parseFrame(bytes);
        if (!frame.ok) return;
        if (frame.value.type === "nack") nacked = frame.value.code;
        if (frame.value.type !== "ack" || frame.value.frames < 1) return;
        const { headSeq } = frame.value;
        answer(nacked ? { type: "refused", code: nacked } : { type: "acknowledged", headSeq });
      },
      close: (code) => answer(nacked ? { type: "refused", code: nacked } : answerOfClose(code)),
      bufferedBytes: () => 0,
      // Whatever it was: they came to write.
      refused: () => onRefused?.("document.write"),
    };
    session = join(principal, { id, epoch }, transport);
    if (answered) return session.left();
    session.receive(encodeFrame({ type: "update", update }));
  });
}

function answerOfClose(code: number): PushAnswer {
  if (code === CloseCode.gone) return { type: "gone" };
  if (code === CloseCode.oldEpoch) return { type: "old-epoch" };
  if (code === CloseCode.invalid) return { type: "refused", code: "invalid" };
  return { type: "later" };
}
