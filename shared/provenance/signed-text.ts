import { base64url } from "jose";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";

// A JWS in compact form, read so strictly that nothing in it can be changed without being noticed: three parts in
// base64url, of which each has one spelling only, and a header that says what we write and nothing else.

export type SignedFault =
  | "malformed"
  /** it says of itself that it is not signed */
  | "alg-none"
  /** signed by another method than ours, such as by a secret that anybody knows */
  | "wrong-alg";

/** Not checked yet: what somebody says they signed. */
export interface SignedText {
  kid: string;
  payload: unknown;
}

const SIGNATURE_BYTES = 64;

/** Reads a JWS of one type without checking who signed it. */
export function readSigned(jws: string, typ: string): Result<SignedText, SignedFault> {
  const parts = jws.split(".");
  const [head = "", body = "", signature = ""] = parts;
  const header = recordOf(jsonOf(head));
  if (header === undefined || parts.length !== 3) return err("malformed");
  const fault = algorithmFault(header["alg"]);
  if (fault !== undefined) return err(fault);
  const { kid } = header;
  const payload = jsonOf(body);
  const isWhole = payload !== undefined && bytesOf(signature)?.length === SIGNATURE_BYTES;
  return isWhole && typeof kid === "string" && isTyped(header, typ) ? ok({ kid, payload }) : err("malformed");
}

/** Whether a header says its type, and nothing besides `alg` and `kid`. */
const isTyped = (header: Record<string, unknown>, typ: string): boolean =>
  header["typ"] === typ && Object.keys(header).length === 3;

function algorithmFault(alg: unknown): SignedFault | undefined {
  if (alg === "EdDSA") return undefined;
  return typeof alg === "string" && alg.toLowerCase() === "none" ? "alg-none" : "wrong-alg";
}

/** The bytes of base64url without padding, if it is their one spelling: unused bits are zero. */
function bytesOf(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const bytes = base64url.decode(text);
  return base64url.encode(bytes) === text ? bytes : undefined;
}

function jsonOf(part: string): unknown {
  const bytes = bytesOf(part);
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined; // no JSON, which the caller says
  }
}

const recordOf = (value: unknown): Record<string, unknown> | undefined =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
