import { parseConversationId } from "#shared/domain/ids.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { QuarantinedRecord, SummaryRecord } from "./local-store.ts";
import type { RunCommand } from "./run-command.ts";

// What comes out of the database was written by us, by a newer version of us, or garbled by a failing disk. These say
// whether a value can be worked with; fields that this version does not know are left alone.

type Fields = Record<string, unknown>;

const isFields = (raw: unknown): raw is Fields => typeof raw === "object" && raw !== null;
const isText = (raw: unknown): raw is string => typeof raw === "string";
const isNumber = (raw: unknown): raw is number => typeof raw === "number" && Number.isFinite(raw);
const allAre = (is: (raw: unknown) => boolean, raw: Fields, ...keys: string[]): boolean =>
  keys.every((key) => is(raw[key]));

const isSummary = (raw: unknown): boolean =>
  isFields(raw) &&
  allAre(isText, raw, "title", "excerpt") &&
  isNumber(raw["messageCount"]) &&
  Array.isArray(raw["tags"]) &&
  raw["tags"].every(isText);

const isFeedEntry = (raw: unknown): boolean =>
  isFields(raw) &&
  isText(raw["id"]) &&
  allAre(isNumber, raw, "feedSeq", "epoch", "headSeq", "activityAt") &&
  isSummary(raw["summary"]);

const isLocalSummary = (raw: unknown): boolean =>
  isFields(raw) &&
  isNumber(raw["changedAt"]) &&
  (raw["headSeq"] === undefined || isNumber(raw["headSeq"])) &&
  isSummary(raw["summary"]);

/** Whether the library can be shown with it. */
export const isSummaryRecord = (raw: unknown): raw is SummaryRecord =>
  isFields(raw) &&
  isText(raw["id"]) &&
  (raw["feed"] === undefined || isFeedEntry(raw["feed"])) &&
  (raw["local"] === undefined || isLocalSummary(raw["local"]));

/** Whether it can be delivered. */
export const isRunCommand = (raw: unknown): raw is RunCommand =>
  isFields(raw) &&
  allAre(isText, raw, "runId", "conversationId", "parentMessageId", "messageId", "model") &&
  isFields(raw["parameters"]) &&
  isNumber(raw["createdAt"]) &&
  (raw["continues"] === undefined || isText(raw["continues"]));

/** Whether the feed can go on from there. */
export const isCursor = (raw: unknown): raw is number => Number.isSafeInteger(raw) && Number(raw) >= 0;

/** The document a row belongs to, where that can be told. */
export const documentOf = (raw: unknown): ConversationId | undefined =>
  isFields(raw) && isText(raw["documentId"]) ? parseConversationId(raw["documentId"]) : undefined;

/** The row with the bytes of an outbox row's edit: absent where they were folded, `undefined` for all that is no row. */
export const isOutboxRow = (raw: unknown): raw is { documentId: ConversationId; update: number | undefined } =>
  documentOf(raw) !== undefined &&
  isFields(raw) &&
  (raw["update"] === undefined || Number.isSafeInteger(raw["update"]));

export const isQuarantinedRecord = (raw: unknown): raw is QuarantinedRecord =>
  isFields(raw) && isText(raw["documentId"]) && isText(raw["reason"]);
