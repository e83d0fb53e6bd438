/** What the composer needs to know to decide what can be done. */
export interface ComposerFacts {
  text: string;
  online: boolean;
  /** the model a prompt would go to; "" while none is known */
  model: string;
  /** an answer is being written in the shown branch */
  answering: boolean;
  /** a prompt of the shown branch has not gone out yet */
  promptWaits: boolean;
  /** the text that was to be sent before a model was known */
  wished: string | undefined;
}

export type ComposerLine = "offline" | "noModel" | "waitsForModel" | "queuedHint";

/** What the send key does: nothing without words; before a model is known, the wish to send is kept. */
export type SendKey = "sends" | "waits" | "nothing";

export interface ComposerView {
  sendKey: SendKey;
  /** the one line of advice above the text, by importance */
  line: ComposerLine | undefined;
}

/** What the composer offers. Prompts sent meanwhile wait in a row, each for the answer before it. */
export function composerView(facts: ComposerFacts): ComposerView {
  const written = facts.text.trim() !== "";
  const sendKey = !written || isWished(facts) ? "nothing" : facts.model === "" ? "waits" : "sends";
  return { sendKey, line: lineOf(facts, written) };
}

/** A wish holds for the words it was made for: who writes on has not finished. */
const isWished = ({ text, wished, model }: ComposerFacts): boolean => model === "" && wished === text;

function lineOf(facts: ComposerFacts, written: boolean): ComposerLine | undefined {
  if (written && isWished(facts)) return "waitsForModel";
  if (!facts.online) return "offline";
  if (!written) return undefined;
  if (facts.model === "") return "noModel";
  return facts.answering || facts.promptWaits ? "queuedHint" : undefined;
}

export interface KeyFacts {
  key: string;
  shift: boolean;
  /** an input method is composing: Enter takes its suggestion */
  composing: boolean;
}

/** Whether a key press sends. Enter while composing never does. */
export const sendsOn = ({ key, shift, composing }: KeyFacts): boolean => key === "Enter" && !shift && !composing;
