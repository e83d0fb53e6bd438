import pino from "pino";
import type { DestinationStream, Logger } from "pino";
import { traceIds } from "./spans.ts";

export type Log = Logger;

/**
 * The server's log: one JSON object a line on stdout, so that no value can forge a second entry. Callers log
 * ids, codes and numbers; never what people or models wrote. Credentials are removed where one slips in.
 */
export function createLog(level: string, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    mixin: traceIds,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: ["cookie", "authorization", "apiKey", "token"].flatMap((name) => [
        name,
        `*.${name}`,
        `*.*.${name}`,
        `*["set-cookie"]`,
      ]),
      censor: "[removed]",
    },
    serializers: { err: describeError, error: describeError },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** Where and what kind, for an error; its own fields may hold a request and are left out. */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...("code" in error && { code: error.code }),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}
