import type { Meters } from "#server/observability/meters.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import type { Database } from "#server/storage/database.ts";
import type { RunId } from "#shared/domain/ids.ts";
import type { ReceiptClaims } from "#shared/provenance/receipt.ts";
import type { Clock } from "./clock.ts";
import type { FrameClock } from "./frame-clock.ts";
import type { Frame } from "./frame.ts";
import type { ProviderHealth } from "./provider-health.ts";
import type { ProviderSlots } from "./provider-slots.ts";
import type { ChatMessage } from "#shared/domain/prompt.ts";
import type { Providers, ServedModel } from "./provider.ts";
import type { StoredRun } from "./run-store.ts";
import type { RunTimers } from "./run-timers.ts";
import type { TokenCounter } from "./token-estimate.ts";

/** Structured log; pino fits. Prompts, answers and keys never go here. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Signs what is said of an answer. May reject. */
export type SignReceipt = (claims: ReceiptClaims) => Promise<string>;

/** What the files of this folder work with. */
export interface RunParts {
  database: Database;
  rooms: Rooms;
  providers: Providers;
  clock: Clock;
  /** a number in [0, 1) */
  random: () => number;
  log: Log;
  timers: RunTimers;
  meters: Meters;
  slots: ProviderSlots;
  health: ProviderHealth;
  frameClock: FrameClock;
  countTokens: TokenCounter;
  /** answers a JWS; absent where this relay gives no receipts */
  signReceipt?: SignReceipt | undefined;
}

/** A run whose first attempt was stored together with its row, so that its call may leave at once. */
export interface Begun {
  /** what its log begins with; durable */
  frames: readonly Frame[];
  releaseSlot: () => void;
}

/** One run that was accepted: its row is durable, nothing was called yet. */
export interface RunPlan {
  stored: StoredRun;
  /** Absent while the provider has no room for the run: it is queued. */
  begun: Begun | undefined;
  served: ServedModel;
  messages: readonly ChatMessage[];
  /** what the run carries on; "" for one that begins anew */
  carried: string;
  /** the run that wrote what is carried on, when asked the same by this model; `undefined` where none is known to */
  vouchedBy: RunId | undefined;
}
