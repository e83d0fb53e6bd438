import * as Y from "yjs";
import type { MessageId } from "#shared/domain/ids.ts";
import type { Message, PlannedRun } from "#shared/domain/message.ts";
import { clampParameters } from "#shared/domain/parameters.ts";
import { FINISH_REASONS, RUN_FAILURE_CODES, RUN_STATUSES } from "#shared/domain/run.ts";
import type { RunFacts, RunFailure, RunUsage } from "#shared/domain/run.ts";

// Documents come from other devices and newer versions: every field is read as unknown, and a field of the
// wrong shape reads as absent. Nothing here writes, so what this version does not understand is kept.

const textOf = (value: unknown): string =>
  value instanceof Y.Text ? value.toString() : typeof value === "string" ? value : "";
const numberOf = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined;
const stringOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const oneOf = <T extends string>(all: readonly T[], value: unknown): T | undefined => all.find((one) => one === value);
const recordOf = (value: unknown): Record<string, unknown> | undefined =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;

function plannedRunOf(value: unknown): PlannedRun | undefined {
  const record = recordOf(value);
  const runId = stringOf(record?.["runId"]);
  const messageId = stringOf(record?.["messageId"]);
  const model = stringOf(record?.["model"]);
  return runId && messageId && model ? { runId, messageId, model } : undefined;
}

function failureOf(value: unknown): RunFailure | undefined {
  const record = recordOf(value);
  if (!record) return undefined;
  // A newer server may know more codes than this version: it still failed, so it reads as the general one.
  const code = oneOf(RUN_FAILURE_CODES, record["code"]) ?? "internal";
  return { code, retryable: record["retryable"] === true, retryAt: numberOf(record["retryAt"]) };
}

function usageOf(value: unknown): RunUsage | undefined {
  const record = recordOf(value);
  if (!record) return undefined;
  return {
    inputTokens: numberOf(record["inputTokens"]),
    outputTokens: numberOf(record["outputTokens"]),
    cachedTokens: numberOf(record["cachedTokens"]),
    reasoningTokens: numberOf(record["reasoningTokens"]),
    source: record["source"] === "provider" ? "provider" : "estimated",
    costMicroUsd: numberOf(record["costMicroUsd"]),
  };
}

function runOf(value: unknown): RunFacts | undefined {
  const record = recordOf(value);
  const runId = stringOf(record?.["runId"]);
  const status = oneOf(RUN_STATUSES, record?.["status"]);
  if (!record || !runId || !status) return undefined;
  return {
    runId,
    status,
    model: stringOf(record["model"]) ?? "",
    resolvedModel: stringOf(record["resolvedModel"]),
    parameters: clampParameters(recordOf(record["parameters"]) ?? {}),
    finish: oneOf(FINISH_REASONS, record["finish"]),
    failure: failureOf(record["failure"]),
    frame: numberOf(record["frame"]) ?? 0,
    usage: usageOf(record["usage"]),
    queuedAt: numberOf(record["queuedAt"]) ?? 0,
    startedAt: numberOf(record["startedAt"]),
    firstTokenAt: numberOf(record["firstTokenAt"]),
    endedAt: numberOf(record["endedAt"]),
    systemFingerprint: stringOf(record["systemFingerprint"]),
    receipt: stringOf(record["receipt"]),
  };
}

/** Reads one entry of the `messages` map; `undefined` where it is no message this version can show. */
export function readMessage(id: string, value: unknown): Message | undefined {
  if (!(value instanceof Y.Map)) return undefined;
  const map = value as Y.Map<unknown>;
  const role = map.get("role");
  const base = {
    id: id as MessageId,
    parentId: stringOf(map.get("parentId")) as MessageId | undefined,
    text: textOf(map.get("text")),
    createdAt: numberOf(map.get("createdAt")) ?? 0,
  };
  if (role === "user") return { ...base, role, plannedRun: plannedRunOf(map.get("plannedRun")) };
  if (role === "assistant") {
    return { ...base, role, reasoning: textOf(map.get("reasoning")), run: runOf(map.get("run")) };
  }
  return undefined;
}

/** A plain copy without absent fields: Yjs stores `undefined` as a value of its own. */
export function plainRecord(value: object): Record<string, unknown> {
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => [key, recordOf(item) ? plainRecord(item as object) : item]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}
