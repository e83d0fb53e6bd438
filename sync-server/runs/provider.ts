import type { Model } from "#shared/protocol/http-bodies.ts";
import type { RunParameters } from "#shared/domain/parameters.ts";
import type { ChatMessage } from "#shared/domain/prompt.ts";
import type { CompletionPart } from "./completion-chunks.ts";
import type { Price } from "./usage-count.ts";

export interface CompletionRequest {
  /** the model's name at the provider */
  model: string;
  messages: readonly ChatMessage[];
  parameters: RunParameters;
}

/** What a call of a provider says. A call that ends without `done`, `finish` or `failed` was cut. */
export type ProviderPart =
  | CompletionPart
  /** the headers of an accepted request are there */
  | { type: "open" }
  /** a keep-alive: nothing was written, but somebody is there */
  | { type: "alive" };

/** Whoever writes answers: an OpenAI-compatible endpoint, or the built-in guide. */
export interface Provider {
  readonly id: string;
  readonly name: string;
  readonly kind: Model["kind"];
  /** calls at the same time; further runs wait their turn */
  readonly concurrency: number;
  /**
   * Answers one request, in batches as they come from the network. Never throws for what a provider or
   * network does: that is a `failed` part. Ends soon after the signal aborts.
   */
  call(request: CompletionRequest, signal: AbortSignal): AsyncIterable<readonly ProviderPart[]>;
}

/** A model a run may name, with who answers for it. */
export interface ServedModel {
  /** `<provider>/<name>` */
  id: string;
  /** its name at the provider */
  name: string;
  provider: Provider;
  prices: readonly Price[];
}

/** The endpoints this server knows. */
export interface Providers {
  /** The models people may choose, and the one a new chat starts with. */
  list(): Promise<{ models: Model[]; defaultModel: string }>;
  /** Who answers for a model id; `undefined` where nobody does. */
  find(modelId: string): Promise<ServedModel | undefined>;
  close(): Promise<void>;
}
