import { createBodyPuller } from "./pull-bodies.ts";
import { pushOutbox } from "./push-outbox.ts";

/** What delivers and pulls many documents at once, which no first paint waits for. */
export const bulk = { createBodyPuller, pushOutbox };
