import { createHash } from "node:crypto";
import { askedJson } from "#shared/domain/prompt.ts";
import type { ChatMessage } from "#shared/domain/prompt.ts";
import type { RunParameters } from "#shared/domain/parameters.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import { isTerminal } from "#shared/domain/run.ts";
import { endingOf, receiptSchema } from "#shared/provenance/receipt.ts";
import type { Receipt, ReceiptClaims } from "#shared/provenance/receipt.ts";
import { readSigned } from "#shared/provenance/signed-text.ts";
import { RECEIPT_TYPE } from "#shared/provenance/receipt.ts";
import type { RunParts, RunPlan } from "./run-parts.ts";
import type { Asked, StoredRun } from "./run-store.ts";

/** SHA-256 of text in UTF-8, hex: as whoever reads the text somewhere else will have it. */
export const hashText = (text: string): string => createHash("sha256").update(text.toWellFormed()).digest("hex");

/** What stands for all that was asked in a receipt. */
export const contextHash = (messages: readonly ChatMessage[], model: string, parameters: RunParameters): string =>
  hashText(askedJson(messages, model, parameters));

/** What a run was asked, to be signed with its answer; `undefined` where it carries on words that nobody vouches for. */
export function askedBy({ stored, messages, carried, vouchedBy }: RunPlan): Asked | undefined {
  const { model, parameters } = stored.facts;
  if (carried === "") return { context: contextHash(messages, model, parameters) };
  if (vouchedBy === undefined) return undefined;
  return { context: contextHash(messages, model, parameters), carried: carried.length, carriedFrom: vouchedBy };
}

/**
 * Signs what a run wrote, now that it has ended. `undefined` where it wrote nothing, where nothing is known of what it
 * was asked, and where signing failed: an answer is worth more than its receipt.
 */
export async function signAnswer(
  { signReceipt, log }: Pick<RunParts, "signReceipt" | "log">,
  { id, messageId }: Pick<StoredRun, "id" | "messageId">,
  asked: Asked | undefined,
  facts: RunFacts,
  written: { text: string; reasoning: string },
): Promise<string | undefined> {
  if (signReceipt === undefined || asked === undefined || written.text === "" || !isTerminal(facts.status))
    return undefined;
  const claims: ReceiptClaims = {
    ...(endingOf({ ...facts }) as ReceiptClaims),
    ...asked,
    run: id,
    message: messageId,
    output: hashText(written.text),
    ...(written.reasoning !== "" && { reasoning: hashText(written.reasoning) }),
  };
  try {
    return await signReceipt(claims);
  } catch (error) {
    log.error({ runId: id, err: error }, "an answer could not be signed");
    return undefined;
  }
}

/** The receipt of a run of this server's own, as its row has it. */
export function ownReceipt({ facts }: StoredRun): Receipt | undefined {
  const read = facts.receipt === undefined ? undefined : readSigned(facts.receipt, RECEIPT_TYPE);
  const parsed = read?.ok ? receiptSchema.safeParse(read.value.payload) : undefined;
  return parsed?.success ? parsed.data : undefined;
}
