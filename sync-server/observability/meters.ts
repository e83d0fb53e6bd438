/**
 * What the parts of the server report while they work: one call a fact, numbers and codes only, never content.
 * Whatever cannot be counted as it happens is read when somebody asks (`Readings`).
 */
export interface Meters {
  /** One transaction of the group commit: how many items shared it, and how long the store took, in ms. */
  committed(items: number, ms: number, outcome: CommitResult): void;
  /** A document frame was settled so many ms after it arrived. */
  acknowledged(ms: number): void;
  /** A room refused, closed or noticed something; `what` is its code. */
  noticed(what: string): void;
  /** The server closed a sync socket. */
  socketClosed(code: number): void;
  /** A run was accepted. */
  runStarted(): void;
  /** A run reached a state it never leaves. */
  runEnded(state: string): void;
  /** The first content of a run came so many ms after the run was accepted. */
  firstToken(ms: number): void;
  /** Frames of a run became durable. */
  framesLogged(count: number): void;
  /** A call of a provider failed; the class is one of the retry table. */
  providerFailed(provider: string, failureClass: string): void;
  /** A line of a provider's stream was no chunk of an answer, and was skipped. */
  providerLineSkipped(provider: string): void;
  /** An HTTP request was answered after so many ms. */
  answered(method: string, route: string, status: number, ms: number): void;
}

/** `failed`: the store could not write. `partly`: some items were refused, the others are durable. */
export type CommitResult = "written" | "partly" | "failed";

const ignore = (): void => undefined;

/** Counts nothing: for parts that run without a server around them. */
export const NO_METERS: Meters = {
  committed: ignore,
  acknowledged: ignore,
  noticed: ignore,
  socketClosed: ignore,
  runStarted: ignore,
  runEnded: ignore,
  firstToken: ignore,
  framesLogged: ignore,
  providerFailed: ignore,
  providerLineSkipped: ignore,
  answered: ignore,
};
