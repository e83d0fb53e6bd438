import type { Delivery, LiveRun } from "#client/runs/runs.ts";
import { words } from "#client/ui/words/words.ts";

/** What is said about an answer that was asked for and has not begun. */
export type PlannedView =
  /** the run began; its text is here before the document brings the message */
  | { type: "live" }
  | { type: "queued"; because: "offline" | "behind" | "unknown" }
  | { type: "sending" }
  | { type: "refused"; code: string }
  /** nobody here has it to deliver: another device may, or it got lost */
  | { type: "unanswered" }
  | { type: "nothing" };

export interface PlannedFacts {
  delivery: Delivery | undefined;
  live: LiveRun | undefined;
  online: boolean;
  /** another answer of the same branch is being written */
  behind: boolean;
  /** ms since the person asked */
  age: number;
  /** the prompt has another answer already */
  answered: boolean;
}

/** How long "Sending…" is believed after delivery ended and before the answer arrived by sync. */
export const ARRIVAL_GRACE_MS = 10_000;

export function plannedView({ delivery, live, online, behind, age, answered }: PlannedFacts): PlannedView {
  if (delivery?.type === "refused") return delivery;
  if (live) return { type: "live" };
  if (delivery?.type === "queued")
    return { type: "queued", because: online ? (behind ? "behind" : "unknown") : "offline" };
  if (delivery?.type === "sending") return { type: "sending" };
  if (answered) return { type: "nothing" };
  return age < ARRIVAL_GRACE_MS ? { type: "sending" } : { type: "unanswered" };
}

/** What a person is told about a start that was refused with a code. */
export const refusalWords = (code: string): { what: string; next: string } =>
  code === "model_unknown" ? words.modelUnknown : words.refused;
