import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import type { Meters } from "./meters.ts";

/** What is read at the moment somebody asks for the metrics. */
export interface Readings {
  /** live copies of documents in memory */
  rooms(): number;
  /** what they take of the heap, in bytes, by estimate */
  roomBytes(): number;
  sockets(): number;
  /** bytes that sync sockets accepted and the network did not take yet */
  bufferedBytes(): number;
  /** runs that are being written, by state */
  runs(): Readonly<Record<string, number>>;
  followers(): number;
  /** items of commits that wait for a transaction */
  queuedCommits(): number;
}

export interface Metrics extends Meters {
  /** Says where the gauges are read. Until then they are absent. */
  watch(readings: Readings): void;
  /** The text that Prometheus reads, with its content type. */
  text(): Promise<{ contentType: string; body: string }>;
}

/** Upper bounds in seconds: 1 ms to 10 s covers an fsync and a disk that stalls. */
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
/** A model may think for minutes. */
const ANSWER_SECONDS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120];
const GROUP_SIZES = [1, 2, 4, 8, 16, 32, 64, 128];

/**
 * Counts what the server does, for `/metrics`. Labels hold codes of ours and names from the configuration only,
 * so the number of series is bounded whatever clients send.
 */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 10 });
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers });
  const histogram = <Label extends string>(name: string, help: string, buckets: number[], labelNames: Label[] = []) =>
    new Histogram({ name, help, buckets, labelNames, registers });

  const commitSeconds = histogram("holdfast_commit_duration_seconds", "Time of one transaction in the store", SECONDS, [
    "outcome",
  ]);
  const commitItems = histogram("holdfast_commit_group_size", "Items that shared one transaction", GROUP_SIZES);
  const ackSeconds = histogram("holdfast_sync_ack_seconds", "From a document frame to its acknowledgement", SECONDS);
  const notices = counter("holdfast_sync_notices_total", "What rooms refused or noticed, by code", ["code"]);
  const closes = counter("holdfast_sync_closes_total", "Sync sockets closed by the server, by close code", ["code"]);
  const started = counter("holdfast_runs_started_total", "Runs that were accepted", []);
  const ended = counter("holdfast_runs_ended_total", "Runs that ended, by state", ["state"]);
  const firstToken = histogram(
    "holdfast_run_first_token_seconds",
    "From the acceptance of a run to its first content",
    ANSWER_SECONDS,
  );
  const frames = counter("holdfast_run_frames_total", "Frames of runs that became durable", []);
  const failures = counter("holdfast_provider_failures_total", "Failed calls of providers, by class", [
    "provider",
    "class",
  ]);
  const skipped = counter(
    "holdfast_provider_skipped_lines_total",
    "Lines of providers' streams that were no chunk of an answer",
    ["provider"],
  );
  const requests = histogram("holdfast_http_request_seconds", "Time to the answer of a request", SECONDS, [
    "method",
    "route",
    "status",
  ]);

  return {
    committed(items, ms, outcome) {
      commitSeconds.observe({ outcome }, ms / 1000);
      commitItems.observe(items);
    },
    acknowledged: (ms) => ackSeconds.observe(ms / 1000),
    noticed: (code) => notices.inc({ code }),
    socketClosed: (code) => closes.inc({ code }),
    runStarted: () => started.inc(),
    runEnded: (state) => ended.inc({ state }),
    firstToken: (ms) => firstToken.observe(ms / 1000),
    framesLogged: (count) => frames.inc(count),
    providerFailed: (provider, failureClass) => failures.inc({ provider, class: failureClass }),
    providerLineSkipped: (provider) => skipped.inc({ provider }),
    answered: (method, route, status, ms) => requests.observe({ method, route, status }, ms / 1000),
    watch: (readings) => watch(registry, readings),
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

function watch(registry: Registry, readings: Readings): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    const own: Gauge = new Gauge({ name, help, registers: [registry], collect: (): void => own.set(read()) });
  };
  gauge("holdfast_rooms", "Documents held in memory", readings.rooms);
  gauge("holdfast_room_heap_bytes", "What these documents take of the heap, by estimate", readings.roomBytes);
  gauge("holdfast_sync_sockets", "Open sync sockets", readings.sockets);
  gauge("holdfast_sync_buffered_bytes", "Bytes that wait in sync sockets", readings.bufferedBytes);
  gauge("holdfast_commit_queue", "Items that wait for a transaction", readings.queuedCommits);
  gauge("holdfast_run_followers", "Open event streams of runs", readings.followers);
  const runs = new Gauge({
    name: "holdfast_runs",
    help: "Runs that are being written, by state",
    labelNames: ["state"],
    registers: [registry],
    collect() {
      runs.reset();
      for (const [state, count] of Object.entries(readings.runs())) runs.set({ state }, count);
    },
  });
}
