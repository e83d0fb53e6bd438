import * as Y from "yjs";

/** Edits of one document that no `ack` covered yet, in the order of their tokens. */
export interface PendingEdits {
  /** Notes an edit; tokens only grow. Without bytes it can be sent as part of the whole state only. */
  add(token: number, update: Uint8Array | undefined): void;
  /** the token everything is acknowledged through */
  settled(): number;
  /** the token of the latest edit */
  last(): number;
  any(): boolean;
  /** Notes that a frame with everything up to now is being sent. */
  sentState(): void;
  /** Notes that a frame with the edits after `after` up to `through` is being sent. */
  sentEdits(after: number, through: number, kind: "edit" | "part"): void;
  /** Forgets the frames of a lost connection: what they carried is pending again (C4). */
  connectionLost(): void;
  /** Takes a cumulative ack; answers whether it settled anything. */
  acknowledged(frames: number): boolean;
  /** Takes a nack; answers what the frame carried, or `undefined` for a frame that was not sent. */
  refused(frame: number): SentKind | undefined;
  /** What is pending as updates of at most `limit` bytes each, or `undefined` where an edit cannot be split so. */
  inParts(limit: number): { after: number; through: number; update: Uint8Array }[] | undefined;
}

/** `state`: all there is; `edit`: one live edit; `part`: a piece of a state that was too large for one frame */
export type SentKind = "state" | "edit" | "part";

interface SentFrame {
  frame: number;
  kind: SentKind;
  after: number;
  through: number;
  refused: boolean;
}

export function createPendingEdits(): PendingEdits {
  let settled = 0;
  let last = 0;
  let edits: { token: number; update: Uint8Array | undefined }[] = [];
  let inFlight: SentFrame[] = [];
  let framesSent = 0;

  const sent = (kind: SentKind, after: number, through: number): void => {
    framesSent++;
    inFlight.push({ frame: framesSent, kind, after, through, refused: false });
  };

  return {
    add(token, update) {
      last = Math.max(last, token);
      edits.push({ token, update });
    },
    settled: () => settled,
    last: () => last,
    any: () => settled < last,
    sentState: () => sent("state", 0, last),
    sentEdits: (after, through, kind) => sent(kind, after, through),
    connectionLost() {
      inFlight = [];
      framesSent = 0;
    },
    acknowledged(frames) {
      const before = settled;
      for (const frame of inFlight) {
        // A refused frame leaves a hole that only a later frame with the whole state closes.
        if (frame.frame > frames || frame.refused || frame.after > settled) continue;
        settled = Math.max(settled, frame.through);
      }
      inFlight = inFlight.filter((frame) => frame.frame > frames);
      edits = edits.filter((edit) => edit.token > settled);
      return settled > before;
    },
    refused(frame) {
      const found = inFlight.find((one) => one.frame === frame);
      if (found) found.refused = true;
      return found?.kind;
    },
    inParts: (limit) => inParts(edits, settled, limit),
  };
}

function inParts(
  edits: readonly { token: number; update: Uint8Array | undefined }[],
  settled: number,
  limit: number,
): { after: number; through: number; update: Uint8Array }[] | undefined {
  const parts: { after: number; through: number; updates: Uint8Array[]; bytes: number }[] = [];
  for (const { token, update } of edits) {
    if (update === undefined || update.length > limit) return undefined;
    const part = parts.at(-1);
    // Merging never makes an update longer than the sum of what went in.
    if (part && part.bytes + update.length <= limit) {
      part.updates.push(update);
      part.bytes += update.length;
      part.through = token;
    } else parts.push({ after: part?.through ?? settled, through: token, updates: [update], bytes: update.length });
  }
  return parts.map(({ after, through, updates }) => ({ after, through, update: Y.mergeUpdates(updates) }));
}
