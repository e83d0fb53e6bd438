import type { Operation } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";

/** What a request asks for. HEAD asks for what GET answers. */
export type Asked =
  | { type: "operation"; operation: Operation }
  /** the address has no such method; `allow` names those it has */
  | { type: "method"; allow: readonly string[] }
  | { type: "nothing" };

const PATTERNS = OPERATIONS.map((operation) => ({
  operation,
  method: operation.method.toUpperCase(),
  pattern: new RegExp(`^${operation.path.replace(/:[^/]+/g, "[^/]+").replaceAll(".", String.raw`\.`)}$`),
}));

/** Looks up the operation of a request. A path counts as it was sent: nothing is decoded or tidied. */
export function findOperation(method: string, path: string): Asked {
  const found = PATTERNS.filter(({ pattern }) => pattern.test(path));
  if (found.length === 0) return { type: "nothing" };
  const wanted = method === "HEAD" ? "GET" : method;
  const operation = found.find((one) => one.method === wanted)?.operation;
  if (operation) return { type: "operation", operation };
  const allow = found.flatMap((one) => (one.method === "GET" ? ["GET", "HEAD"] : [one.method]));
  return { type: "method", allow };
}
