import type { ConversationId } from "#shared/domain/ids.ts";
import { crc32 } from "#shared/lib/crc32.ts";
import type { DocumentRecord } from "./open-database.ts";

/** The record of a folded state that was read, and so is readable. */
export const documentRecord = (id: ConversationId, epoch: number, state: Uint8Array): DocumentRecord => ({
  id,
  epoch,
  state,
  checksum: crc32(state),
});

/** Whether a record holds the bytes that were written, so that nobody has to read them to know that they are an update. */
export const isAsWritten = ({ state, checksum }: DocumentRecord): boolean =>
  state instanceof Uint8Array && checksum === crc32(state);
