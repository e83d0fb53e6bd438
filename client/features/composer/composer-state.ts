/** What the composer needs to know to decide what can be done. */
export interface ComposerFacts {
  text: string;
  online: boolean;
  /** the model a prompt would go to; "" while none is known */
  model: string;
  /** an answer is being written in the shown branch */
  answering: boolean;
  /** the last prompt of the shown branch has not gone out yet */
  lastPromptWaits: boolean;
}

export type ComposerLine = "offline" | "waiting" | "noModel" | "queuedHint";

export interface ComposerView {
  canSend: boolean;
  /** the one line of advice above the text, by importance */
  line: ComposerLine | undefined;
}

/**
 * What the composer offers. One prompt may wait at a time: a second one below it would lose its place in the shown
 * branch when the answer to the first arrives, so it stays a draft until then.
 */
export function composerView(facts: ComposerFacts): ComposerView {
  const written = facts.text.trim() !== "";
  const canSend = written && facts.model !== "" && !facts.lastPromptWaits;
  return { canSend, line: lineOf(facts, written) };
}

function lineOf(facts: ComposerFacts, written: boolean): ComposerLine | undefined {
  if (!facts.online) return "offline";
  if (!written) return undefined;
  if (facts.lastPromptWaits) return "waiting";
  if (facts.model === "") return "noModel";
  return facts.answering ? "queuedHint" : undefined;
}

export interface KeyFacts {
  key: string;
  shift: boolean;
  /** an input method is composing: Enter takes its suggestion */
  composing: boolean;
}

/** Whether a key press sends. Enter while composing never does. */
export const sendsOn = ({ key, shift, composing }: KeyFacts): boolean => key === "Enter" && !shift && !composing;
