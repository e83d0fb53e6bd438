import { expect, test } from "vitest";
import { compareThirds, parseSample, percentile } from "./soak-samples.ts";
import type { SoakSample } from "./soak-samples.ts";

const METRICS = `
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 104857600
nodejs_heap_size_used_bytes 52428800
nodejs_external_memory_bytes 1.048576e+6
nodejs_eventloop_lag_p99_seconds 0.0125
holdfast_rooms 240
holdfast_sync_sockets 200
holdfast_run_followers 3
holdfast_runs_ended_total{state="completed"} 40
holdfast_runs_ended_total{state="stopped"} 2
`;

test("a sample is read from the metrics, series of one name added up", () => {
  expect(parseSample(METRICS, 1.5)).toEqual({
    minute: 1.5,
    rssMb: 100,
    heapMb: 50,
    externalMb: 1,
    rooms: 240,
    sockets: 200,
    followers: 3,
    runsEnded: 42,
    loopP99Ms: 12.5,
  });
  expect(() => parseSample(METRICS.replace("holdfast_rooms", "other"), 0)).toThrow("holdfast_rooms");
});

test("a percentile lies among the values", () => {
  expect([percentile([3, 1, 2], 0.5), percentile([1, 2, 3, 4], 0.99), percentile([], 0.5)]).toEqual([2, 4, 0]);
});

/** One sample each half minute whose memory is what `mbAt` says. */
const samplesOf = (mbAt: (minute: number) => number): SoakSample[] =>
  Array.from({ length: 40 }, (_, index) => ({ ...parseSample(METRICS, index / 2), rssMb: mbAt(index / 2) }));

const rss = (mbAt: (minute: number) => number) => compareThirds(samplesOf(mbAt), 4)[0];

test("what grows by more than a tenth between the thirds is not flat; the warm-up does not count", () => {
  expect(rss((minute) => 200 + minute)).toMatchObject({ what: "rssMb", flat: true });
  expect(rss((minute) => 200 + 4 * minute)).toMatchObject({ what: "rssMb", flat: false });
  expect(rss((minute) => (minute < 4 ? 10 : 100))).toEqual({ what: "rssMb", first: 100, last: 100, flat: true });
  expect(rss((minute) => 200 - minute)).toMatchObject({ flat: true });
});
