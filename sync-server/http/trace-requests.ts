import { ROOT_CONTEXT, context, propagation } from "@opentelemetry/api";
import { createMiddleware } from "hono/factory";
import { inSpan } from "#server/observability/spans.ts";
import type { AppEnv } from "./app-env.ts";
import { methodOf, routeOf } from "./request-labels.ts";

/** A span for each request of the API, below the caller's where it sends a `traceparent` (W3C Trace Context). */
export const traceRequests = createMiddleware<AppEnv>((c, next) => {
  const caller = propagation.extract(ROOT_CONTEXT, { traceparent: c.req.header("traceparent") });
  return context.with(caller, () =>
    inSpan("http.request", { "http.request.method": methodOf(c) }, async (span) => {
      await next();
      span.setAttributes({ "http.route": routeOf(c), "http.response.status_code": c.res.status });
      span.updateName(`${methodOf(c)} ${routeOf(c)}`);
    }),
  );
});
