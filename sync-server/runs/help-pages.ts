import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import MiniSearch from "minisearch";

/** One `##` section of a help page. */
export interface HelpSection {
  id: number;
  page: string;
  title: string;
  text: string;
}

export interface HelpPages {
  /** The sections that fit a question best, best first; empty where none does. */
  find(question: string): HelpSection[];
  /** titles of all pages */
  readonly titles: readonly string[];
}

const MOST_SECTIONS = 3;
/** A section further below the best one than this is not about the question. */
const LEAST_SHARE = 0.45;

/** Words that say nothing about what a question is about. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  "a about an and are as at be but by can could did do does for from get give had has have how i if in into is it its just let like make me my no not of on one or our please should so some tell than that the their them then there these they this to up use using want was we what when where which who why will with would you your".split(
    " ",
  ),
);

/** The folder `docs/help` of the project, looked for upwards from this file (source or bundle). */
export function findHelpFolder(): string | undefined {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let depth = 0; depth < 6; depth++) {
    const candidate = join(folder, "docs", "help");
    if (existsSync(candidate)) return candidate;
    folder = dirname(folder);
  }
  return undefined;
}

/** Reads the Markdown pages of a folder; throws where it cannot be read. */
export function readHelpPages(folder: string): HelpPages {
  const files = readdirSync(folder).filter((name) => name.endsWith(".md"));
  return createHelpPages(files.toSorted().map((name) => readFileSync(join(folder, name), "utf8")));
}

/** Makes the sections of Markdown pages searchable. */
export function createHelpPages(pages: readonly string[]): HelpPages {
  const sections = pages.flatMap(sectionsOf).map((section, id) => ({ ...section, id }));
  const index = new MiniSearch<HelpSection>({
    fields: ["title", "text", "page"],
    processTerm: (term) => {
      const word = stem(term.toLowerCase());
      return word.length < 2 || STOP_WORDS.has(term.toLowerCase()) ? undefined : word;
    },
    searchOptions: {
      boost: { title: 3, page: 1.5 },
      fuzzy: (term) => (term.length > 5 ? 0.2 : false),
      prefix: (term) => term.length > 3,
    },
  });
  index.addAll(sections);
  return {
    titles: [...new Set(sections.map(({ page }) => page))],
    find(question) {
      const hits = index.search(question.slice(0, 500));
      const best = hits[0]?.score ?? 0;
      return hits
        .filter(({ score }) => score >= best * LEAST_SHARE)
        .slice(0, MOST_SECTIONS)
        .flatMap(({ id }) => sections[id as number] ?? []);
    },
  };
}

/** Folds the commonest English endings, so that "snapshots" finds "snapshot" and "stopped" finds "stop". */
function stem(word: string): string {
  if (word.length <= 3) return word;
  if (word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  for (const ending of ["ing", "ed"]) {
    const base = word.slice(0, -ending.length);
    if (word.endsWith(ending) && base.length >= 3) return /([bdgmnprt])\1$/u.test(base) ? base.slice(0, -1) : base;
  }
  return word.endsWith("s") && !word.endsWith("ss") ? word.slice(0, -1) : word;
}

function sectionsOf(markdown: string): Omit<HelpSection, "id">[] {
  const [head = "", ...rest] = markdown.split(/^## /mu);
  const [, page = "Help"] = /^# (.+)$/mu.exec(head) ?? [];
  const intro = head.replace(/^# .+$/mu, "").trim();
  const sections = rest.map((part) => {
    const [title = "", ...lines] = part.split("\n");
    return { page: page.trim(), title: title.trim(), text: lines.join("\n").trim() };
  });
  return intro === "" ? sections : [{ page: page.trim(), title: page.trim(), text: intro }, ...sections];
}
