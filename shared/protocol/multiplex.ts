import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { readUint } from "./read-uint.ts";

/** The subprotocol of a socket at `/sync` that carries the rooms of many documents, each on a channel of its own. */
export const MULTIPLEX_SUBPROTOCOL = "holdfast.multiplex.v1";

/** How many channels of one socket may be open at a time. */
export const MAX_CHANNELS = 64;

/** One binary message of such a socket. Numbers of channels grow and are never used again on the same socket (R23). */
export type ChannelMessage =
  /** only from the client; frames may follow at once */
  | { type: "open"; channel: number; room: string }
  /** one message of the room's own protocol, with the extension (sync-frames.ts) */
  | { type: "frame"; channel: number; frame: Uint8Array }
  /** what the close code of a socket is to its room */
  | { type: "close"; channel: number; code: number };

const KIND = { open: 0, frame: 1, close: 2 };

export function encodeChannelMessage(message: ChannelMessage): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, message.channel);
    encoding.writeVarUint(encoder, KIND[message.type]);
    switch (message.type) {
      case "open":
        return encoding.writeVarString(encoder, message.room);
      case "frame":
        // The frame is the rest of the message.
        return encoding.writeUint8Array(encoder, message.frame);
      case "close":
        return encoding.writeVarUint(encoder, message.code);
    }
  });
}

/** Reads one message. Total: any bytes give a message or `malformed`, never a throw. */
export function parseChannelMessage(bytes: Uint8Array): Result<ChannelMessage, "malformed"> {
  try {
    const decoder = decoding.createDecoder(bytes);
    const message = readMessage(decoder);
    return message === undefined || decoding.hasContent(decoder) ? err("malformed") : ok(message);
  } catch {
    // lib0 throws on truncated fields; that is the peer's failure, not ours.
    return err("malformed");
  }
}

function readMessage(decoder: decoding.Decoder): ChannelMessage | undefined {
  const channel = readUint(decoder);
  switch (readUint(decoder)) {
    case KIND.open:
      return { type: "open", channel, room: decoding.readVarString(decoder) };
    case KIND.frame:
      return { type: "frame", channel, frame: decoding.readTailAsUint8Array(decoder) };
    case KIND.close:
      return { type: "close", channel, code: readUint(decoder) };
    default:
      return undefined;
  }
}
