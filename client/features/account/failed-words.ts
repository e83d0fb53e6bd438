import { accountWords } from "#client/ui/words/account-words.ts";
import { OIDC_FAILURES } from "#shared/protocol/oidc-bodies.ts";

const { failedWhy } = accountWords.links;

/** Why signing in with the provider failed, by the code in the address that it came back with. */
export const failedWords = (code: string): string =>
  failedWhy[OIDC_FAILURES.find((known) => known === code) ?? "failed"];
