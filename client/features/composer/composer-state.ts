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
}

export type ComposerLine = "offline" | "noModel" | "queuedHint";

export interface ComposerView {
  canSend: boolean;
  /** the one line of advice above the text, by importance */
  line: ComposerLine | undefined;
}

/** What the composer offers. Prompts sent meanwhile wait in a row, each for the answer before it. */
export function composerView(facts: ComposerFacts): ComposerView {
  const written = facts.text.trim() !== "";
  return { canSend: written && facts.model !== "", line: lineOf(facts, written) };
}

function lineOf(facts: ComposerFacts, written: boolean): ComposerLine | undefined {
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
