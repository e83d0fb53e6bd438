import { ROOT_CONTEXT, propagation, trace } from "@opentelemetry/api";
import type { Link } from "@opentelemetry/api";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { inSpan, outsideOfSpans } from "#server/observability/spans.ts";
import type { AppEnv } from "./app-env.ts";
import { methodOf, routeOf } from "./request-labels.ts";

/**
 * A trace of its own for each request of the API, with a link to the caller's where it sends a `traceparent`
 * (W3C Trace Context). Anybody may send one: whose trace it joins and whether it is sampled is not theirs to say.
 */
export const traceRequests = createMiddleware<AppEnv>((c, next) => {
  const answer = async (): Promise<void> =>
    inSpan(
      "http.request",
      { "http.request.method": methodOf(c) },
      async (span) => {
        await next();
        span.setAttributes({ "http.route": routeOf(c), "http.response.status_code": c.res.status });
        span.updateName(`${methodOf(c)} ${routeOf(c)}`);
      },
      callerOf(c),
    );
  return outsideOfSpans(answer);
});

function callerOf(c: Context<AppEnv>): Link[] {
  const sent = propagation.extract(ROOT_CONTEXT, { traceparent: c.req.header("traceparent") });
  const caller = trace.getSpanContext(sent);
  return caller === undefined ? [] : [{ context: caller }];
}
