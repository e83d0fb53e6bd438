import { useCallback } from "react";
import type * as z from "zod/mini";
import { askServer } from "#client/session/account-requests.ts";
import { useAnswer } from "#client/ui/use-answer.ts";

/** Reads something of the account from the server, and again when it may have changed. */
export function useServerAnswer<T>(fetch: typeof globalThis.fetch, path: string, schema: z.ZodMiniType<T>) {
  const read = useCallback(() => askServer(fetch, "GET", path, { answer: schema }), [fetch, path, schema]);
  return useAnswer(read);
}
