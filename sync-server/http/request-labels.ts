import type { Context } from "hono";
import { matchedRoutes } from "hono/route";
import type { AppEnv } from "./app-env.ts";

const METHODS = new Set(["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"]);

/** A method for a label: clients can send any word as a method. */
export const methodOf = (c: Context<AppEnv>): string => (METHODS.has(c.req.method) ? c.req.method : "other");

/** The pattern of the handler that answered, so that ids in addresses stay out; files and what is nothing are one each. */
export function routeOf(c: Context<AppEnv>): string {
  const handler = matchedRoutes(c).findLast(({ method }) => method !== "ALL");
  if (handler) return handler.path;
  return c.res.status < 400 ? "file" : "none";
}
