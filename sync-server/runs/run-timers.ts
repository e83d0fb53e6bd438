import type { RunTimeouts } from "#server/config/config.ts";

/** Every wait of the relay, ms. Tests hand in short ones. */
export interface RunTimers {
  /** for the headers of an answer: a hosted endpoint, and one that may first have to load its model */
  firstByte: number;
  firstByteLocal: number;
  /** from the headers to the first text, and how far comments and reasoning may stretch it */
  firstContent: number;
  firstContentStretched: number;
  /** silence after which readers are told, and after which the call is given up */
  stallNotice: number;
  contentIdle: number;
  /** from finish_reason to the end of the body, for a server that forgets to end it */
  afterFinish: number;
  total: number;
  queueWait: number;
  stopForced: number;
  parentWait: number;
  checkpoint: number;
  lease: number;
  leaseRenew: number;
  sweep: number;
  /** how often the right of whoever follows for long is looked at again */
  recheck: number;
  /** how long a run may wait for a log that is behind */
  logWait: number;
  logRetry: number;
  heartbeat: number;
  followerBlocked: number;
  /** followers are told to come back within this, so that they do not all come at once */
  byeSpread: number;
  keepFrames: number;
  keepInterruptedFrames: number;
}

export const RUN_TIMERS: RunTimers = {
  firstByte: 60_000,
  firstByteLocal: 300_000,
  firstContent: 120_000,
  firstContentStretched: 600_000,
  stallNotice: 20_000,
  contentIdle: 90_000,
  afterFinish: 5000,
  total: 30 * 60_000,
  queueWait: 60_000,
  stopForced: 5000,
  parentWait: 5000,
  checkpoint: 2000,
  lease: 15_000,
  leaseRenew: 5000,
  sweep: 5000,
  recheck: 60_000,
  logWait: 10_000,
  logRetry: 250,
  heartbeat: 15_000,
  followerBlocked: 30_000,
  byeSpread: 2000,
  keepFrames: 10 * 60_000,
  keepInterruptedFrames: 24 * 60 * 60_000,
};

/** A local model may first have to be loaded, and a reasoning one thinks: both get so many times the wait. */
const PATIENCE = 5;

/** The timers as configured; `connectMs` is the providers' own. */
export const createRunTimers = (timeouts: RunTimeouts): RunTimers => ({
  ...RUN_TIMERS,
  firstByte: timeouts.firstByteMs,
  firstByteLocal: timeouts.firstByteMs * PATIENCE,
  firstContent: timeouts.firstContentMs,
  firstContentStretched: timeouts.firstContentMs * PATIENCE,
  stallNotice: timeouts.stallNoticeMs,
  contentIdle: timeouts.stallMs,
  total: timeouts.totalMs,
});

/** Sizes the relay keeps to, in UTF-16 units of text unless said otherwise. */
export const RUN_LIMITS = {
  text: 2 * 1024 * 1024,
  /** of one run: as many as an hour without a pause makes; each change between reasoning and text makes one of its own */
  frames: 100_000,
  /** frames that wait for the disk; beyond it what the provider sends waits, and is bounded there */
  unwritten: 1024 * 1024,
  /** what a follower may be behind before it gets one snapshot instead of the frames */
  backlog: 128 * 1024,
  backlogFrames: 256,
  /** a merged frame */
  merged: 60 * 1024,
  /** bytes a follower's socket may hold */
  socketBytes: 256 * 1024,
  followersPerRun: 64,
  /** text and frames in memory over all runs; beyond it new followers are sent away */
  process: 256 * 1024 * 1024,
} as const;
