import type { Refusal } from "#client/session/account-requests.ts";
import { accountWords } from "#client/ui/words/account-words.ts";

const { failed } = accountWords;

/** What a person is told when the server did not do it: what happened, and what to do next. */
export function refusalWords({ code, retryAfter }: Refusal): string {
  if (code === "rate_limited") return failed.rate_limited(retryAfter ?? 60);
  const known: Readonly<Record<string, string | ((seconds: number) => string)>> = failed;
  const words = Object.hasOwn(known, code) ? known[code] : undefined;
  return typeof words === "string" ? words : failed.other;
}
