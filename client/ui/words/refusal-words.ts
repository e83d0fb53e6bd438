import { accountWords } from "./account-words.ts";

const { failed } = accountWords;

/** Why the server did not do it: the code of its problem, and the seconds until it is worth trying again. */
export interface Refused {
  code: string;
  retryAfter: number | undefined;
}

/** What a person is told when the server did not do it: what happened, and what to do next. */
export function refusalWords({ code, retryAfter }: Refused): string {
  if (code === "rate_limited") return failed.rate_limited(retryAfter ?? 60);
  const known: Readonly<Record<string, string | ((seconds: number) => string)>> = failed;
  const words = Object.hasOwn(known, code) ? known[code] : undefined;
  return typeof words === "string" ? words : failed.other;
}
