// What the bench's provider writes and its client expects: token after token, the same in every run.
const WORDS =
  "The answer begins here, with words of every length: some are long enough to be two, a few are not. Straße, naïve 🙂 and 東京 are among them.\n"
    .split(/(?= )/u)
    .flatMap((word) => (word.length > 6 ? [word.slice(0, 4), word.slice(4)] : [word]));

/** What the token at a place of an answer says. */
export const tokenAt = (index: number): string => WORDS[index % WORDS.length] ?? "";

const whole = WORDS.join("");

/** The text of so many tokens. */
export const textOf = (tokens: number): string =>
  whole.repeat(Math.floor(tokens / WORDS.length)) + WORDS.slice(0, tokens % WORDS.length).join("");
