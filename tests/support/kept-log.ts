import { createLog } from "#server/observability/log.ts";
import type { Log } from "#server/observability/log.ts";

export interface KeptLog {
  log: Log;
  lines(): readonly Record<string, unknown>[];
  text(): string;
}

/** The server's log, kept in memory. */
export function createKeptLog(level = "trace"): KeptLog {
  const written: string[] = [];
  return {
    log: createLog(level, { write: (line) => void written.push(line) }),
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
    text: () => written.join(""),
  };
}
