/** What was read of the server at one moment. */
export interface SoakSample {
  /** minutes since the load began */
  minute: number;
  rssMb: number;
  heapMb: number;
  externalMb: number;
  rooms: number;
  sockets: number;
  followers: number;
  runsEnded: number;
  /** p99 of the event loop's delay since the sample before, in ms */
  loopP99Ms: number;
}

const MB = 1024 * 1024;

/** Reads a sample from the text of `/metrics`. Throws where a figure is missing: a soak without it shows nothing. */
export function parseSample(text: string, minute: number): SoakSample {
  const sums = new Map<string, number>();
  for (const [, name, value] of text.matchAll(/^([a-z0-9_]+)(?:\{[^}]*\})? ([\d.e+-]+)$/gmu))
    sums.set(name!, (sums.get(name!) ?? 0) + Number(value));
  const read = (name: string): number => {
    const value = sums.get(name);
    if (value === undefined) throw new Error(`/metrics does not tell ${name}`);
    return value;
  };
  return {
    minute,
    rssMb: read("process_resident_memory_bytes") / MB,
    heapMb: read("nodejs_heap_size_used_bytes") / MB,
    externalMb: read("nodejs_external_memory_bytes") / MB,
    rooms: read("holdfast_rooms"),
    sockets: read("holdfast_sync_sockets"),
    followers: read("holdfast_run_followers"),
    // Its first series comes with the first run that ended.
    runsEnded: sums.get("holdfast_runs_ended_total") ?? 0,
    loopP99Ms: read("nodejs_eventloop_lag_p99_seconds") * 1000,
  };
}

/** The figure below which a share of the values lies; 0 of none. */
export function percentile(values: readonly number[], share: number): number {
  const ordered = values.toSorted((a, b) => a - b);
  return ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * share))] ?? 0;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** What must not grow. Rooms and sockets are the load: where they grow, memory says nothing. */
const WATCHED = ["rssMb", "heapMb", "rooms", "sockets"] as const;
/** how much more the last third may have than the first */
export const GROWTH = 0.1;

export interface Growth {
  what: (typeof WATCHED)[number];
  first: number;
  last: number;
  flat: boolean;
}

/** Compares the median of the last third of the samples after the warm-up with that of the first third. */
export function compareThirds(samples: readonly SoakSample[], warmUpMinutes: number): Growth[] {
  const counted = samples.filter(({ minute }) => minute >= warmUpMinutes);
  const third = Math.max(1, Math.floor(counted.length / 3));
  return WATCHED.map((what) => {
    const first = median(counted.slice(0, third).map((sample) => sample[what]));
    const last = median(counted.slice(-third).map((sample) => sample[what]));
    return { what, first, last, flat: last <= first * (1 + GROWTH) };
  });
}
