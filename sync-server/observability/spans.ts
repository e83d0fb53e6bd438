import { ROOT_CONTEXT, SpanStatusCode, context, trace } from "@opentelemetry/api";
import type { Attributes, Link, Span } from "@opentelemetry/api";

// Without a tracer set up (`openTracing`), everything here is a call that does nothing.

const TRACER = "holdfast";

/** A span that ends later than the call that began it. */
export interface LongSpan {
  /** Runs something as part of this span: what it begins becomes a child. */
  run<T>(work: () => T): T;
  /** @param failure a code of ours; never words of people or providers */
  end(attributes?: Attributes, failure?: string): void;
}

/** Begins a span below the one that is active now. Attributes are ids, codes and numbers; never content. */
export function startSpan(name: string, attributes: Attributes = {}): LongSpan {
  const span = trace.getTracer(TRACER).startSpan(name, { attributes });
  const inside = trace.setSpan(context.active(), span);
  return {
    run: (work) => context.with(inside, work),
    end(more = {}, failure) {
      span.setAttributes(more);
      if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
      span.end();
    },
  };
}

/**
 * Does some work as a span of its own. A rejection is recorded by the kind of its error and goes on.
 * @param links spans of other traces that have to do with it
 */
export function inSpan<T>(
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T>,
  links: Link[] = [],
): Promise<T> {
  return trace.getTracer(TRACER).startActiveSpan(name, { attributes, links }, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : "unknown" });
      throw error;
    } finally {
      span.end();
    }
  });
}

/**
 * Runs something as part of no span. A timer keeps the context it was armed in: what serves everybody is armed
 * here, so that it is not taken for a part of the request that happened to arm it.
 */
export const outsideOfSpans = <T>(work: () => T): T => context.with(ROOT_CONTEXT, work);

/** The ids of the active span, for a line of the log; empty where nothing is traced. */
export function traceIds(): { trace_id?: string; span_id?: string } {
  const found = trace.getActiveSpan()?.spanContext();
  return found ? { trace_id: found.traceId, span_id: found.spanId } : {};
}
