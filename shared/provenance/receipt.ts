import * as z from "zod/mini";
import { FINISH_REASONS, TERMINAL_RUN_STATUSES } from "#shared/domain/run.ts";

/** The `typ` of a receipt: no other signature of the same key can be taken for one. */
export const RECEIPT_TYPE = "holdfast-receipt+jwt";

const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const text = z.string();
const count = z.int().check(z.nonnegative());
const time = z.number();

/** What a run was like, as a message remembers it too. Times are ms since 1970 by the server's clock. */
const ENDING = {
  /** `<provider>/<model>` as it was asked for */
  model: text,
  resolvedModel: z.optional(text),
  systemFingerprint: z.optional(text),
  startedAt: z.optional(time),
  endedAt: z.optional(time),
  status: z.enum(TERMINAL_RUN_STATUSES),
  finish: z.optional(z.enum(FINISH_REASONS)),
};

/** What the relay says of an answer it delivered. All hashes are SHA-256 in lower-case hex. */
const CLAIMS = {
  run: text,
  message: text,
  ...ENDING,
  /** of `askedJson`: the messages, model and parameters that were sent */
  context: hash,
  /** of the answer's text in UTF-8, what it carried on included */
  output: hash,
  /** of its reasoning, where there is any */
  reasoning: z.optional(hash),
  /** how many UTF-16 code units at its beginning are the text of an earlier run, which wrote them when asked the same */
  carried: z.optional(count),
  /** that run */
  carriedFrom: z.optional(text),
};

export type ReceiptClaims = z.infer<z.ZodMiniObject<typeof CLAIMS>>;

/** A receipt as it is signed. `iat`: seconds since 1970; `iss`: the origin of the server, "" where it has none. */
export const receiptSchema = z.strictObject({ ...CLAIMS, iss: text, iat: count });
export type Receipt = z.infer<typeof receiptSchema>;

const ENDING_FIELDS = Object.keys(ENDING) as (keyof typeof ENDING)[];

/** Of a run or a receipt, what both say: for comparing them, and for making the one of the other. */
export const endingOf = (
  from: Partial<Record<keyof typeof ENDING, unknown>>,
): Partial<Pick<ReceiptClaims, keyof typeof ENDING>> =>
  Object.fromEntries(ENDING_FIELDS.filter((field) => from[field] !== undefined).map((field) => [field, from[field]]));
