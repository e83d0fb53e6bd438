import type * as z from "zod/mini";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { problemSchema } from "#shared/protocol/problem.ts";

/** Why the server did not do it, by the code of its problem. */
export interface Refusal {
  /** `unreachable` where it did not answer at all, or something else did */
  code: string;
  /** seconds until it is worth trying again, where it said so */
  retryAfter: number | undefined;
}

interface Asked<T> {
  body?: object;
  /** of what it answers; nothing is read without one */
  answer?: z.ZodMiniType<T>;
}

/** Asks the server to do something about the account, and reads what it says. Rejects never. */
export async function askServer<T = undefined>(
  fetch: typeof globalThis.fetch,
  method: "GET" | "POST" | "PATCH" | "DELETE",
  path: string,
  { body, answer }: Asked<T> = {},
): Promise<Result<T, Refusal>> {
  try {
    const response = await fetch(path, {
      method,
      cache: "no-store",
      headers: { accept: "application/json", ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) return err(await refusalOf(response));
    if (!answer) return ok(undefined as T);
    const parsed = answer.safeParse(await response.json());
    return parsed.success ? ok(parsed.data) : err(UNREACHABLE);
  } catch {
    return err(UNREACHABLE);
  }
}

const UNREACHABLE: Refusal = { code: "unreachable", retryAfter: undefined };

async function refusalOf(response: Response): Promise<Refusal> {
  const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
  const found = problemSchema.safeParse(await response.json().catch(() => undefined));
  return {
    code: found.success ? found.data.code : "unreachable",
    retryAfter: Number.isFinite(retryAfter) ? retryAfter : undefined,
  };
}
