// Texts as models write them, long enough to see whether work grows with their length.

const WORDS = "the order of what follows is kept while every part of it may still be read at its own pace".split(" ");
const words = (count: number, from: number): string =>
  Array.from({ length: count }, (_, index) => WORDS[(from * 7 + index * 3) % WORDS.length]).join(" ");

function until(length: number, part: (index: number) => string): string {
  let text = "";
  for (let index = 0; text.length < length; index++) text += part(index);
  return text;
}

const section = (at: number): string =>
  [
    `## Part ${at}`,
    `${words(24, at)}, as [the manual](https://manual.example/${at}) says, with \`code ${at}\` and **${words(3, at)}** in it.`,
    `- ${words(9, at)}\n- *${words(5, at + 1)}*\n  - ${words(6, at + 2)}\n- \`value_${at}\` ${words(4, at)}`,
    `\`\`\`ts\nconst value${at} = read("${words(2, at)}");\nif (value${at} > ${at}) write(value${at});\n\`\`\``,
    `1. ${words(8, at)}\n2. ${words(7, at + 4)}`,
    `| ${words(1, at)} | ${words(1, at + 1)} |\n| --- | ---: |\n| ${words(3, at)} | ${at} |\n| ${words(2, at)} | ${at * 3} |`,
    `> ${words(14, at)}`,
    words(40, at + 5),
  ].join("\n\n") + "\n\n";

/** About so many characters of everything an answer is made of. */
export const mixed = (length: number): string => until(length, section).slice(0, length);

/** One part of an answer that goes on and on, by name. */
export const LONG: Readonly<Record<string, (length: number) => string>> = {
  mixed,
  fence: (length) =>
    "```ts\n" + until(length, (at) => `  const line${at} = compute(${at}, "${words(3, at)}"); // ${words(3, at)}\n`),
  list: (length) => until(length, (at) => `- item ${at} with **${words(2, at)}** and \`code\` ${words(4, at)}\n`),
  "nested list": (length) =>
    until(
      length,
      (at) =>
        `- ${words(6, at)}\n  - ${words(5, at)} *${words(2, at)}*\n    1. ${words(6, at)}\n    2. ${words(3, at)}\n`,
    ),
  table: (length) =>
    `| ${words(1, 1)} | ${words(1, 2)} | n |\n| --- | :-: | --: |\n` +
    until(length, (at) => `| ${words(3, at)} | \`c${at}\` | ${at} |\n`),
  quote: (length) =>
    until(length, (at) => `> ${words(12, at)} **${words(2, at)}** ${words(3, at)}\n${at % 4 === 3 ? ">\n" : ""}`),
  paragraph: (length) => until(length, (at) => `${words(12, at)} **${words(2, at)}** and \`code ${at}\`. `),
};
