import { refusalWords } from "#client/ui/words/refusal-words.ts";
import type { Refused } from "#client/ui/words/refusal-words.ts";

/** What is said of a link that is not taken; one that was cut off when it was copied is over like any other. */
export const linkRefusalWords = (refused: Refused): string =>
  refusalWords(refused.code === "invalid_body" ? { ...refused, code: "gone" } : refused);
