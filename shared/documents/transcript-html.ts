import { escapeHtml, markdownHtml } from "#shared/markdown/markdown-html.ts";
import { EXPORT_STYLE } from "./export-style.ts";
import type { FactWords, NamedFact, Transcript, Turn } from "./transcript.ts";

/** What the page may do: be shown. No script, no request, no form, whatever was written into it. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** A transcript as one HTML page that needs nothing else: no script, no request; to be read, printed and kept. */
export function transcriptHtml(transcript: Transcript, words: FactWords): string {
  const { title, facts, systemPrompt, turns, draft } = transcript;
  return [
    `<!doctype html>\n<html lang="${escapeHtml(words.locale)}">\n<head>\n<meta charset="utf-8">`,
    `<meta http-equiv="Content-Security-Policy" content="${escapeHtml(POLICY)}">`,
    '<meta name="referrer" content="no-referrer">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(title)}</title>\n<style>${EXPORT_STYLE}</style>\n</head>\n<body>\n<main>`,
    `<h1 dir="auto">${escapeHtml(title)}</h1>`,
    factList(facts),
    ...(systemPrompt.trim() === "" ? [] : [article(words.systemPrompt, written(systemPrompt), "prompt")]),
    ...turns.map((turn) => turnHtml(turn, words)),
    ...(draft.trim() === "" ? [] : [article(words.draft, written(draft), "draft")]),
    "</main>\n</body>\n</html>\n",
  ].join("\n");
}

/** Words of a person, as they were typed. */
const written = (text: string): string => `<p class="raw" dir="auto">${escapeHtml(text.trim())}</p>`;

const article = (heading: string, html: string, kind: string): string =>
  `<article class="${kind}">\n<h2>${escapeHtml(heading)}</h2>\n${html}\n</article>`;

function turnHtml({ role, speaker, text, reasoning, at, facts, mark }: Turn, words: FactWords): string {
  const isAnswer = role === "assistant";
  const heading = [
    `<h2>${escapeHtml(speaker)}`,
    timeHtml(at, words),
    mark === "" ? "" : ` <span class="mark">${escapeHtml(mark)}</span>`,
    "</h2>",
  ].join("");
  const thought =
    reasoning.trim() === ""
      ? ""
      : `<details><summary>${escapeHtml(words.reasoning)}</summary>${markdownHtml(reasoning, 3)}</details>\n`;
  const body = isAnswer ? markdownHtml(text, 3) : written(text);
  return `<article class="${isAnswer ? "answer" : "you"}">\n${heading}\n${thought}${body}\n${factList(facts)}\n</article>`;
}

/** A clock may have been anything; a time that is none is left out. */
function timeHtml(at: number, words: FactWords): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  return ` <time datetime="${date.toISOString()}">${escapeHtml(words.time(at))}</time>`;
}

function factList(facts: readonly NamedFact[]): string {
  if (facts.length === 0) return "";
  const rows = facts.map(([name, value]) => `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`);
  return `<dl dir="auto">${rows.join("")}</dl>`;
}
