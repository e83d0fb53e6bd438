import type { ConversationId } from "#shared/domain/ids.ts";
import type { ConversationEntry } from "#shared/protocol/http-bodies.ts";
import { isWantedStill } from "./erasure-state.ts";
import { noteForgotten } from "./forgotten-ids.ts";
import type { Transaction } from "./open-database.ts";
import { readQuarantine } from "./read-document.ts";
import { isRunCommand } from "./stored-records.ts";
import { readSummary } from "./summary-records.ts";

type ReadWrite = Transaction<"readwrite">;

/** Deletes what was erased on the server, but for what holds edits the server never had; answers what is gone (C13). */
export async function forgetErased(
  transaction: ReadWrite,
  erased: readonly ConversationEntry[],
): Promise<ConversationId[]> {
  const forgotten: ConversationId[] = [];
  const wereHere: ConversationId[] = [];
  for (const entry of erased) {
    const id = entry.id as ConversationId;
    const record = await readSummary(transaction, id);
    if (isWantedStill(record) && (await holdsEdits(transaction, id))) continue;
    await forgetDocument(transaction, id);
    forgotten.push(id);
    if (record !== undefined) wereHere.push(id);
  }
  await noteForgotten(transaction, wereHere);
  return forgotten;
}

/** Edits that the server never had, or words of copies set aside that are not back yet (C9). */
async function holdsEdits(transaction: ReadWrite, id: ConversationId): Promise<boolean> {
  if ((await transaction.objectStore("outbox").index("documentId").count(id)) > 0) return true;
  const quarantined = await readQuarantine(transaction);
  return quarantined.some(({ documentId, waits, unsent }) => documentId === id && (waits === true || unsent === true));
}

/** Deletes all there is of a conversation, but where it is to be marked and is not; answers whether it did (C13). */
export async function forgetWanted(
  transaction: ReadWrite,
  id: ConversationId,
  onlyIf?: "if erasing",
): Promise<boolean> {
  if (onlyIf && (await readSummary(transaction, id))?.erasing !== true) return false;
  await forgetDocument(transaction, id);
  await noteForgotten(transaction, [id]);
  return true;
}

/** Deletes all there is of a conversation. */
export async function forgetDocument(transaction: ReadWrite, id: string): Promise<void> {
  await Promise.all([
    transaction.objectStore("documents").delete(id),
    transaction.objectStore("summaries").delete(id),
    deleteRows(transaction, "updates", id),
    deleteRows(transaction, "outbox", id),
    deleteCommands(transaction, id),
    deleteQuarantined(transaction, id),
  ]);
}

async function deleteRows(transaction: ReadWrite, name: "updates" | "outbox", id: string): Promise<void> {
  const store = transaction.objectStore(name);
  const keys = await store.index("documentId").getAllKeys(id);
  await Promise.all(keys.map((key) => store.delete(key)));
}

async function deleteCommands(transaction: ReadWrite, id: string): Promise<void> {
  const store = transaction.objectStore("commands");
  const commands = await store.getAll();
  const own = commands.filter((command) => isRunCommand(command) && command.conversationId === id);
  await Promise.all(own.map(({ runId }) => store.delete(runId)));
}

async function deleteQuarantined(transaction: ReadWrite, id: string): Promise<void> {
  const store = transaction.objectStore("quarantine");
  const own = (await readQuarantine(transaction)).filter(({ documentId }) => documentId === id);
  await Promise.all(own.map(({ key }) => store.delete(key)));
}
