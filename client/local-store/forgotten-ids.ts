import type { ConversationId } from "#shared/domain/ids.ts";
import type { Transaction } from "./open-database.ts";

// Deleted conversations of which this browser may keep something outside of the database: see `cleanUpForgotten`.

type ReadWrite = Transaction<"readwrite">;

export async function readForgotten(transaction: Transaction<"readonly"> | ReadWrite): Promise<ConversationId[]> {
  const stored = await transaction.objectStore("meta").get("forgotten");
  return Array.isArray(stored) ? stored.filter((id): id is ConversationId => typeof id === "string") : [];
}

async function write(transaction: ReadWrite, ids: readonly ConversationId[]): Promise<void> {
  const meta = transaction.objectStore("meta");
  await (ids.length > 0 ? meta.put(ids, "forgotten") : meta.delete("forgotten"));
}

export async function noteForgotten(transaction: ReadWrite, ids: readonly ConversationId[]): Promise<void> {
  if (ids.length > 0) await write(transaction, [...(await readForgotten(transaction)), ...ids]);
}

/** Nothing is kept of these any more. */
export async function dropForgotten(transaction: ReadWrite, ids: readonly ConversationId[]): Promise<void> {
  const clean = new Set(ids);
  const left = (await readForgotten(transaction)).filter((id) => !clean.has(id));
  await write(transaction, left);
}
