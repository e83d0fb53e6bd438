import type { RunCommand } from "#client/local-store/run-command.ts";
import type { RunFailure, RunStatus } from "#shared/domain/run.ts";

/** A run as its follower on this device knows it. Channels are whole texts from offset 0. */
export interface LiveRun {
  status: RunStatus;
  text: string;
  reasoning: string;
  /** the last frame that was shown */
  frame: number;
  /** the reader froze the view; the run goes on */
  paused: boolean;
  /** shown while the provider makes us wait */
  waiting: { type: "retry"; at: number; attempt: number; of: number } | { type: "stall"; ms: number } | undefined;
  failure: RunFailure | undefined;
}

/** How far the delivery of a planned run is, as far as this device knows. */
export type Delivery =
  /** waits for the network or for the run before it */
  | { type: "queued" }
  /** on its way from this tab or another one of this browser; until the first word of the run was heard */
  | { type: "sending" }
  /** the server refused it for good; the prompt stays */
  | { type: "refused"; code: string };

/** Starts runs and follows them. One follower per run and tab, shared by everyone who watches. */
export interface Runs {
  /** false until what waits on this device to be delivered was read; `delivery` knows nothing before */
  ready(): boolean;
  /** Watches a run from the server; answers how to stop watching. */
  follow(runId: string, listener: () => void): () => void;
  live(runId: string): LiveRun | undefined;
  /** whether an answer that somebody watches here is being written */
  streaming(): boolean;
  pause(runId: string): void;
  resume(runId: string): void;
  /** Aborts at the provider and keeps the text; kept trying until the server said so. */
  stop(runId: string): void;

  /** Delivery of the planned run with this id; `undefined` when this device has none to deliver. */
  delivery(runId: string): Delivery | undefined;
  /** whether any command of this device is still to be delivered */
  waits(): boolean;
  /** Hands a stored command to delivery. */
  deliver(command: RunCommand): void;
  /** Withdraws a command that was not delivered; answers false when it is too late. */
  cancel(runId: string): Promise<boolean>;
  /** Calls back when any delivery changed. */
  subscribeDeliveries(listener: () => void): () => void;
}
