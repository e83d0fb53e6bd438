import { CommitError } from "#server/storage/database.ts";
import type { CommitStatement } from "#server/storage/database.ts";
import { isTerminal } from "#shared/domain/run.ts";
import type { FinishReason, RunFacts, RunFailureCode } from "#shared/domain/run.ts";
import { nothing, sleep } from "./clock.ts";
import type { ProviderFailure } from "./failure-classes.ts";
import type { Frame, LogBody } from "./frame.ts";
import { createFramer } from "./frames.ts";
import type { TextFrame } from "./frames.ts";
import { openProviderCall } from "./provider-call.ts";
import type { CallEnd, ProviderCall } from "./provider-call.ts";
import { createRunBill } from "./run-bill.ts";
import { openRunDocument } from "./run-document.ts";
import { createRunFeed } from "./run-feed.ts";
import type { RunFeed } from "./run-feed.ts";
import { openRunLog } from "./run-log.ts";
import { openingOf } from "./run-opening.ts";
import type { RunParts, RunPlan } from "./run-parts.ts";
import { askedBy, signAnswer } from "./run-receipt.ts";
import { createRun, nextRun } from "./run-state.ts";
import type { Run, RunEffect, RunInput } from "./run-state.ts";
import { updateRun } from "./run-store.ts";
import type { Asked, StoredRun } from "./run-store.ts";
import { RUN_LIMITS } from "./run-timers.ts";
import { watchRun } from "./run-watch.ts";

/** The one writer of a live run. */
export interface RunWriter {
  readonly stored: StoredRun;
  readonly feed: RunFeed;
  readonly facts: RunFacts;
  readonly attempts: number;
  /** Aborts at the provider and keeps the text. Settles with `done`. */
  stop(): void;
  interrupt(code: RunFailureCode): void;
  /** Makes the placeholder in the document. Rejects where it could not be stored. */
  place(): Promise<void>;
  /** Forgets the run without ending it, as when somebody else has taken it over. Its readers are sent away. */
  abandon(): void;
  /** Settles when the run is over and the document has it, or when it was abandoned. Never rejects. */
  readonly done: Promise<void>;
}

/**
 * Carries out what `nextRun` decides: calls the provider, cuts its output into frames, has them logged and
 * only then shown, checkpoints into the document, and ends the run in the order log, document, row.
 */
export function openRunWriter(parts: RunParts, plan: RunPlan): RunWriter {
  const { database, clock, timers, log } = parts;
  const { stored, begun, served, carried } = plan;
  const { provider } = served;
  const feed = createRunFeed("queued");
  const written = { t: "", r: "" };
  const lengths = () => ({ t: written.t.length, r: written.r.length });
  let framer = createFramer();
  const cancels = new Set<() => void>();

  let asked: Asked | undefined;
  let run: Run = createRun(carried !== "");
  let facts: RunFacts = stored.facts;
  let call: ProviderCall | undefined;
  /** what the attempt under way wrote, for its bill */
  let output = "";
  let lastFailure: ProviderFailure | undefined;
  const bill = createRunBill(parts, plan);
  const watch = watchRun(parts, stored, provider);
  /** settles when no bill of an earlier attempt is being stored */
  let booking: Promise<unknown> = Promise.resolve();
  /** bills the store did not take; they go with the next frame */
  const unstored: CommitStatement[] = [];
  let flushAt: (() => void) | undefined;
  let releaseSlot = nothing;
  let finish = nothing;
  const done = new Promise<void>((resolve) => (finish = resolve));

  const runLog = openRunLog({
    database,
    clock,
    id: stored.id,
    leaseEpoch: stored.leaseEpoch,
    seq: stored.seq,
    timers,
    onDurable: (frames: readonly Frame[]) => {
      watch.framesDurable(frames.length);
      feed.add(frames);
    },
    onLost: () => {
      log.warn({ runId: stored.id }, "another writer has taken over this run");
      abandon();
    },
    onTrouble: (error) => log.error({ runId: stored.id, err: error }, "the run log could not be written"),
  });

  function apply(input: RunInput): void {
    const step = nextRun(run, input, clock.now(), parts.random());
    run = step.run;
    for (const effect of step.effects) perform(effect);
  }

  function perform(effect: RunEffect): void {
    switch (effect.type) {
      case "call":
        return void startCall(effect.attempt);
      case "wait":
        feed.tell({ type: "retry", seq: undefined, class: effect.class, at: effect.at, n: effect.n, max: effect.max });
        return later(Math.max(0, effect.at - clock.now()), () => apply({ type: "retry-due" }));
      case "abort":
        return call?.abort();
      case "book":
        return bookRetried(effect.attempt, effect.failure);
      case "end":
        return void end().catch((error: unknown) => {
          complain("end a run")(error);
          abandon();
        });
    }
  }

  const complain = (what: string) => (error: unknown) =>
    log.error({ runId: stored.id, err: error }, `could not ${what}`);

  function later(ms: number, callback: () => void): void {
    const cancel = clock.after(ms, () => {
      cancels.delete(cancel);
      callback();
    });
    cancels.add(cancel);
  }

  async function startCall(attempt: number): Promise<void> {
    const now = clock.now();
    output = "";
    lastFailure = undefined;
    facts = { ...facts, status: "streaming", startedAt: facts.startedAt ?? now };
    // A call that a crash could forget would be a bill nobody knows of: its attempt is durable first.
    if (attempt > 1 || begun === undefined) {
      const set = { state: "streaming", attempt, facts: JSON.stringify(facts) };
      const opening = openingOf(stored, attempt, carried);
      for (const body of opening) runLog.append(body, set, unstored.splice(0));
      goOnAfter(opening);
      await runLog.durable();
      if (run.status !== "streaming" || runLog.lost) return stoppedBeforeCall();
    }
    const refused = parts.health.admit(provider.id);
    if (refused) return apply({ type: "call-ended", closed: false, failure: refused });
    watch.callBegins(attempt);
    call = openCall();
    if (asked === undefined && parts.signReceipt) setImmediate(rememberAsked);
    onCallEnd(await call.ended);
  }

  /** Once the call has left: hashing a long prompt takes its time. The row has it where this process does not come to sign. */
  function rememberAsked(): void {
    asked = askedBy(plan);
    if (asked === undefined || runLog.lost) return;
    const where = { id: stored.id, epoch: stored.leaseEpoch };
    store([updateRun(database, where, { asked: JSON.stringify(asked) })])?.catch(complain("remember what was asked"));
  }

  /** What the model writes follows the text its log begins with; its first piece goes out at once. */
  function goOnAfter(opening: readonly LogBody[]): void {
    for (const body of opening) if (body.type === "d") written[body.c] += body.t;
    framer = createFramer(lengths());
  }

  function stoppedBeforeCall(): void {
    apply({ type: "stopped" });
  }

  const openCall = (): ProviderCall =>
    openProviderCall({
      served,
      messages: plan.messages,
      parameters: stored.facts.parameters,
      clock,
      timers,
      onText,
      onModel: (model) => (facts = { ...facts, resolvedModel: model.slice(0, 200) }),
      onFingerprint: (name) => (facts = { ...facts, systemFingerprint: name.slice(0, 200) }),
      onFinish: (reason: FinishReason) => apply({ type: "finished", finish: reason }),
      onSilence: (ms) => feed.tell({ type: "stall", seq: undefined, ms }),
      onUnreadable: watch.lineUnreadable,
      // The message of an error made while reading may quote what was read: only its place is logged.
      onBug: (error) => log.error({ runId: stored.id, ...placeOf(error) }, "could not read the provider"),
      mayRead: () => (runLog.unwritten <= RUN_LIMITS.unwritten ? true : runLog.hasRoom(timers.logWait)),
    });

  function onCallEnd({ closed, failure }: CallEnd): void {
    flush(true);
    watch.callEnded(failure);
    lastFailure = failure;
    if (failure) {
      const { class: found, status, said } = failure;
      log.warn({ runId: stored.id, provider: provider.id, class: found, status, said }, "a call failed");
    }
    if (run.status === "streaming") parts.health.report(provider.id, failure);
    apply({ type: "call-ended", closed, failure });
  }

  function onText(channel: "t" | "r", text: string): void {
    if (run.status !== "streaming") return;
    const isTooLong = carried.length + output.length + text.length > RUN_LIMITS.text || runLog.seq >= RUN_LIMITS.frames;
    if (isTooLong) return call?.abort({ class: "too_long" });
    output += text;
    appendText(framer.push(channel, text));
    if (framer.gathering) flushAt ??= parts.frameClock.after(() => flush(false));
    if (run.produced) return;
    watch.firstContent();
    facts = { ...facts, firstTokenAt: clock.now() };
    apply({ type: "produced" });
  }

  function flush(last: boolean): void {
    flushAt?.();
    flushAt = undefined;
    appendText(framer.flush(last));
  }

  function appendText(...batches: TextFrame[][]): void {
    for (const frame of batches.flat()) {
      written[frame.c] += frame.t;
      runLog.append({ type: "d", ...frame });
    }
  }

  async function book(
    attempt: number,
    failure: ProviderFailure | undefined,
    outcome: string,
  ): Promise<CommitStatement[]> {
    if (call === undefined) return [];
    const { reported } = call;
    call = undefined;
    return [await bill.book({ number: attempt, output, reported, failure: failure?.class }, outcome)];
  }

  function bookRetried(attempt: number, failure: ProviderFailure): void {
    const one = book(attempt, failure, failure.class).then(storeBill).catch(complain("book an attempt"));
    booking = Promise.all([booking, one]);
  }

  async function storeBill(statements: CommitStatement[]): Promise<void> {
    try {
      await store(statements);
    } catch (error) {
      unstored.push(...statements);
      throw error;
    }
  }

  const store = (statements: CommitStatement[]): Promise<void> | undefined =>
    statements.length > 0 ? database.commit(statements) : undefined;

  async function end(): Promise<void> {
    if (!isTerminal(run.status) || !("attempt" in run)) return;
    const { status: state, attempt } = run;
    const ending = "failure" in run || "finish" in run ? run : {};
    for (const cancel of cancels) cancel();
    flush(true);
    releaseSlot();
    const billed = book(attempt, state === "stopped" ? undefined : lastFailure, state);
    const [last] = await Promise.all([billed, booking]);
    const usage = bill.sum();
    const endedAt = clock.now();
    const ended: RunFacts = { ...facts, status: state, ...endingOf(ending), usage, endedAt };
    const text = { text: written.t, reasoning: written.r };
    facts = { ...ended, receipt: await signAnswer(parts, stored, asked ?? askedBy(plan), ended, text) };
    runLog.append(
      { type: "end", state, ...endingOf(ending), usage, len: lengths() },
      { state, attempt, facts: JSON.stringify({ ...facts, frame: runLog.seq + 1 }), ended_at: endedAt },
      [...unstored.splice(0), ...last],
    );
    await runLog.durable();
    facts = { ...facts, frame: runLog.seq };
    if (!runLog.lost) {
      watch.ended(state);
      await document.settle();
    }
    finish();
  }

  function renewLease(): void {
    later(timers.leaseRenew, () => {
      const until = clock.now() + timers.lease;
      database
        .commit([updateRun(database, { id: stored.id, epoch: stored.leaseEpoch }, { lease_until: until })])
        .catch((error: unknown) =>
          error instanceof CommitError && error.failure === "conflict" ? abandon() : complain("renew a lease")(error),
        );
      renewLease();
    });
  }

  function abandon(): void {
    for (const cancel of cancels) cancel();
    flushAt?.();
    runLog.close();
    call?.abort();
    releaseSlot();
    feed.abandon();
    watch.ended("abandoned");
    finish();
  }

  function stop(): void {
    apply({ type: "stop" });
    if (run.status !== "stopping") return;
    feed.setState("stopping");
    facts = { ...facts, status: "stopping" };
    store([updateRun(database, { id: stored.id, epoch: stored.leaseEpoch }, { state: "stopping" })])?.catch(
      complain("record a stop"),
    );
    void sleep(clock, timers.stopForced).then(() => apply({ type: "stopped" }));
  }

  function begin(): void {
    if (begun === undefined) return void waitForSlot();
    feed.add(begun.frames);
    goOnAfter(begun.frames.map(({ event }) => event));
    admit(begun.releaseSlot);
  }

  function admit(release: () => void): void {
    releaseSlot = release;
    later(timers.total, () => call?.abort({ class: "total_time" }));
    apply({ type: "admitted" });
  }

  async function waitForSlot(): Promise<void> {
    const { slot, cancel } = parts.slots.take(provider.id, provider.concurrency);
    cancels.add(cancel);
    const release = await slot;
    cancels.delete(cancel);
    if (release === undefined) return apply({ type: "not-admitted" });
    if (run.status !== "queued") return release();
    admit(release);
  }

  const document = openRunDocument({
    parts,
    stored,
    feed,
    facts: () => facts,
    isOver: () => isTerminal(run.status) || runLog.lost,
    onDeleted: stop,
    later,
    complain,
  });
  watch.run(() => {
    renewLease();
    begin();
  });
  return {
    stored,
    feed,
    get facts() {
      return facts;
    },
    get attempts() {
      return "attempt" in run ? run.attempt : 0;
    },
    stop,
    place: document.place,
    interrupt: (code) => apply({ type: "interrupt", code }),
    abandon,
    done,
  };
}

interface Ended {
  finish?: FinishReason | undefined;
  failure?: RunFacts["failure"];
}

const endingOf = ({ finish, failure }: Ended): Ended => ({
  ...(finish !== undefined && { finish }),
  ...(failure !== undefined && { failure }),
});

/** The kind of an error and where it was thrown, without its message. */
function placeOf(error: unknown): { kind: string; at: string } {
  if (!(error instanceof Error)) return { kind: typeof error, at: "" };
  const lines = (error.stack ?? "").split("\n").filter((line) => /^\s+at /u.test(line));
  return { kind: error.constructor.name, at: lines.slice(0, 5).join("\n") };
}
