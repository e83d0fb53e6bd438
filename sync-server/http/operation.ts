import type * as z from "zod/mini";
import type { AuditAction, AuditMethod, AuditTargetKind } from "#shared/domain/audit.ts";
import type { Action } from "#server/access/authorize.ts";
import type { LimitKind } from "#server/limits/limiter.ts";
import type { ProblemCode } from "#shared/protocol/problem.ts";
import type { Component } from "./components.ts";

export interface Answer {
  description: string;
  json?: Component;
  /** an event stream (`text/event-stream`) instead of, or besides, JSON */
  stream?: true;
  /** bytes (`application/octet-stream`) in the form named here */
  bytes?: string;
}

/** How an operation stands in the audit log. */
export interface AuditedAs {
  action: AuditAction;
  method?: AuditMethod;
  /** written down only where the route says what was done: it does other things as well */
  onlyAsTold?: true;
  /** what it is done to, named by a parameter of the path */
  target?: { kind: AuditTargetKind; param: "id" | "accountId" | "inviteId" };
  /** `:id` is the workspace whose admins see it */
  inWorkspace?: true;
}

/** One route: what it takes and everything it may answer. */
export interface Operation {
  method: "get" | "put" | "post" | "patch" | "delete";
  /** as Hono writes it */
  path: string;
  summary: string;
  /** what the caller does by it, in the words of the policy; `anybody`: nobody is asked who they are */
  action: Action | "anybody";
  /** by which rule it is counted; `usual` where absent */
  limit?: LimitKind | "none";
  /** what is written into the audit log once it is done, and where somebody was refused it */
  audit?: AuditedAs;
  query?: z.ZodMiniObject;
  /** JSON of the schema, an empty object without one, or bytes in the form named here */
  body?: { schema?: Component; bytes?: string; optional?: true };
  /** whether a reader may name the last frame it has by `Last-Event-ID` */
  resumes?: true;
  answers: Partial<Record<number, Answer>>;
  problems: readonly ProblemCode[];
  /** one of what is sent, and one of what is answered, for who reads the document */
  examples?: { body?: unknown; answer?: unknown };
}
