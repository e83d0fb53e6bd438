import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Texts that must not turn up where they do not belong, each by what it is. */
export interface Canaries {
  /** Adds one that the server made. */
  add(what: string, text: string): string;
  /** Those that turn up in bytes, plain or as URLs, JSON and base64 have them. */
  foundIn(bytes: Buffer | string, only?: readonly string[]): string[];
  /** what each is */
  names(): string[];
  count(): number;
}

const formsOf = (text: string): Set<string> =>
  new Set([
    text,
    encodeURIComponent(text),
    JSON.stringify(text).slice(1, -1),
    // Without its ends, which depend on what stands before and after it.
    Buffer.from(text).toString("base64").slice(0, -4),
    Buffer.from(text).toString("base64url").slice(0, -4),
    Buffer.from(text).toString("hex"),
  ]);

export function createCanaries(first: Readonly<Record<string, string>>): Canaries {
  const known = new Map<string, Set<string>>();
  const add = (what: string, text: string): string => {
    if (text.length < 12) throw new Error(`${what} is too short to be told from anything else`);
    known.set(text, (known.get(text) ?? new Set()).add(what));
    return text;
  };
  for (const [what, text] of Object.entries(first)) add(what, text);
  return {
    add,
    foundIn(bytes, only) {
      const all = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
      return [...known]
        .filter(([, names]) => only === undefined || [...names].some((name) => only.includes(name)))
        .filter(([text]) => [...formsOf(text)].some((form) => all.includes(form)))
        .map(([text, names]) => `${[...names].join()}: ${text}`);
    },
    names: () => [...new Set([...known.values()].flatMap((names) => [...names]))],
    count: () => known.size,
  };
}

/** Every byte of the database of a data folder, with what its log still holds. */
export const bytesOfDatabase = (dataDir: string): Buffer =>
  Buffer.concat(
    readdirSync(dataDir)
      .filter((name) => name.startsWith("holdfast.sqlite"))
      .map((name) => readFileSync(join(dataDir, name))),
  );
