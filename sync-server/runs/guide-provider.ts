import { CONTINUE_INSTRUCTION } from "#shared/domain/prompt.ts";
import type { Model } from "#shared/protocol/http-bodies.ts";
import { sleep, systemClock } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { createHelpPages, findHelpFolder, readHelpPages } from "./help-pages.ts";
import type { HelpPages } from "./help-pages.ts";
import type { CompletionRequest, Provider, ProviderPart, ServedModel } from "./provider.ts";

import type { Log } from "./run-parts.ts";

export const GUIDE_ID = "holdfast/guide";

/** Between two pieces of about one word: some 90 a second, as a quick model writes. */
const PIECE_MS = 11;
/** The first line of every answer: nobody shall take the guide for a model. */
const HONEST_LINE = "*This is Holdfast's built-in guide, not a language model: it looks up Holdfast's help pages.*";

const HOW_TO_CONNECT =
  "To talk to a real model, connect one: start the server with `OPENAI_API_KEY` set, or run Ollama, LM Studio, " +
  "llama.cpp or vLLM on the same machine, and choose the model at the top of a chat.";

/** The responder that needs no key and no network: retrieval over the help pages, streamed like any model. */
export function openGuide(folder: string | undefined, log: Log): { served: ServedModel; model: Model } {
  const pages = readPages(folder ?? findHelpFolder(), log);
  const provider = createGuide(pages, systemClock);
  return {
    served: { id: GUIDE_ID, name: "guide", provider, prices: [] },
    model: {
      id: GUIDE_ID,
      name: "Built-in guide",
      provider: { id: provider.id, name: provider.name },
      kind: "guide",
    },
  };
}

function readPages(folder: string | undefined, log: Log): HelpPages {
  try {
    if (folder !== undefined) return readHelpPages(folder);
    log.warn({}, "the help pages were not found: the guide has nothing to answer from");
  } catch (error) {
    log.warn({ err: error }, "the help pages could not be read: the guide has nothing to answer from");
  }
  return createHelpPages([]);
}

export function createGuide(pages: HelpPages, clock: Clock): Provider {
  async function* call(request: CompletionRequest, signal: AbortSignal): AsyncIterable<readonly ProviderPart[]> {
    yield [{ type: "open" }, { type: "model", model: GUIDE_ID }];
    for (const text of piecesOf(answerOf(pages, request))) {
      if (signal.aborted) return;
      yield [{ type: "text", text }];
      await sleep(clock, PIECE_MS, signal);
    }
    yield [{ type: "finish", finish: "stop" }, { type: "done" }];
  }
  return { id: "holdfast", name: "Holdfast", kind: "guide", concurrency: 1000, call };
}

const GREETING =
  /^\W*(hi|hello|hey|hallo|moin|servus|salut|hola|ciao|good (morning|evening|afternoon|day)|yo|test|ping)\b.{0,30}$/isu;
const THANKS = /^\W*(thanks|thank you|thx|danke|merci|great|cool|ok(ay)?)\b.{0,30}$/isu;

/** The whole answer to the last question, in Markdown. */
export function composeGuideAnswer(pages: HelpPages, question: string): string {
  return [HONEST_LINE, ...bodyOf(pages, question.trim())].join("\n\n");
}

function bodyOf(pages: HelpPages, question: string): string[] {
  if (GREETING.test(question) || question === "")
    return [
      "Hello! Ask me anything about using Holdfast, for example:",
      "- How do I connect a model?\n- What happens when I am offline?\n- How do I stop or continue an answer?\n- How do I edit a message and try again?",
      HOW_TO_CONNECT,
    ];
  if (THANKS.test(question)) return ["You are welcome. Ask again whenever something about Holdfast is unclear."];
  const found = pages.find(question);
  if (found.length > 0)
    return [
      ...found.map(({ title, page, text }) => `### ${title}\n\n${text}\n\n*From the help page “${page}”.*`),
      `If this is not what you meant, ask in other words. ${HOW_TO_CONNECT}`,
    ];
  const topics = pages.titles.map((title) => `- ${title}`).join("\n");
  return [
    "I found nothing about that in the help pages. I can only look things up there; I cannot think or write for you.",
    ...(topics === "" ? [] : [`The help pages are about:\n\n${topics}`]),
    HOW_TO_CONNECT,
  ];
}

/** What is still to be said: of an answer that is carried on, only what comes after its text. */
function answerOf(pages: HelpPages, { messages }: CompletionRequest): string {
  const last = messages.at(-1);
  const continues = last?.role === "user" && last.text === CONTINUE_INSTRUCTION;
  const carried = continues ? (messages.at(-2)?.text ?? "") : "";
  const prompts = messages.filter(({ role, text }) => role === "user" && text !== CONTINUE_INSTRUCTION);
  const whole = composeGuideAnswer(pages, prompts.at(-1)?.text ?? "");
  return whole.startsWith(carried) ? whole.slice(carried.length) : whole;
}

/** Pieces the size of a token or two; joined they are the text again. */
const piecesOf = (text: string): string[] => text.match(/\s*\S{1,8}|\s+$/gu) ?? [];
