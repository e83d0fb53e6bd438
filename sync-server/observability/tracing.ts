import { context, propagation, trace } from "@opentelemetry/api";

export interface Tracing {
  /** Sends what is left. */
  close(): Promise<void>;
}

/**
 * Sends spans to an OpenTelemetry collector by OTLP over HTTP. The SDK is loaded only here, so that a server
 * without a collector pays nothing. Sampling follows the standard variables (`OTEL_TRACES_SAMPLER`).
 * @param endpoint base address of the collector; spans go to `<endpoint>/v1/traces`
 */
export async function openTracing(endpoint: URL, warn: (message: string) => void): Promise<Tracing> {
  const [{ BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await Promise.all([
      import("@opentelemetry/sdk-trace-node"),
      import("@opentelemetry/exporter-trace-otlp-http"),
      import("@opentelemetry/resources"),
    ]);
  const exporter = new OTLPTraceExporter({ url: `${endpoint.href.replace(/\/+$/, "")}/v1/traces` });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ "service.name": "holdfast" }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  provider.register();
  return {
    async close() {
      try {
        await provider.shutdown();
      } catch (error) {
        // A collector that is gone must not keep the server from closing.
        warn(error instanceof Error ? error.message : String(error));
      }
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}
