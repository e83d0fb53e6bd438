import type { RunCommand } from "#client/local-store/run-command.ts";
import { backoffMs } from "#shared/lib/backoff.ts";
import type { Delivery } from "./runs.ts";

const RETRY_BASE_MS = 500;
const RETRY_CAP_MS = 30_000;
/** The server remembers ids for 7 days; a retry must never outlive that, or it could run twice. */
const LONGEST_LIFE_MS = 6 * 24 * 60 * 60 * 1000;

/** Whether a command is too old to be sent by itself. `wall` in ms since 1970, as commands are dated. */
export const isExpired = ({ createdAt }: Pick<RunCommand, "createdAt">, wall: number): boolean =>
  wall - createdAt > LONGEST_LIFE_MS;

/** How far one stored command is. */
export type Phase =
  /** the transaction that stores it is under way: nothing is sent that a crash could forget */
  | { type: "storing" }
  /** the answer before its prompt is still being written, its conversation is deleted, or neither is known yet */
  | { type: "blocked" }
  | { type: "ready" }
  /** `aside`: for something that only time or sync can bring, so that later commands may pass */
  | { type: "waiting"; until: number; aside: boolean }
  | { type: "sending" }
  | { type: "refused"; code: string };

export interface PlannedCommand {
  command: RunCommand;
  phase: Phase;
  /** failed attempts since the last wake-up */
  failures: number;
  /** another tab of this browser said that it is sending it */
  sentElsewhere: boolean;
}

/** The commands this device has to deliver, by run id. */
export interface RunOutbox {
  online: boolean;
  planned: ReadonlyMap<string, PlannedCommand>;
}

/** What the server's answer means for a command. */
export type Verdict =
  | { type: "started" }
  /** final; the prompt stays */
  | { type: "refused"; code: string }
  | { type: "retry"; atLeastMs: number; aside?: true }
  /** another run wrote the message already, e.g. one that another device started */
  | { type: "written" }
  /** its conversation is deleted, by this device's copy; nothing was sent */
  | { type: "deleted" }
  /** another tab dealt with it */
  | { type: "elsewhere" };

/** `sending` and `waiting` by turns, until the server has it or refused it */
export const TAB_WORDS = ["sending", "waiting", "started", "refused"] as const;
export type TabWord = (typeof TAB_WORDS)[number];

export type OutboxEvent =
  /** made here; its transaction is under way */
  | { type: "made"; command: RunCommand }
  /** read from the store, or just stored; complete says whether these are all there are */
  | { type: "stored"; commands: readonly RunCommand[]; complete: boolean }
  /** the answer before this run's prompt is final, and its conversation not deleted */
  | { type: "unblocked"; runId: string }
  | { type: "judged"; runId: string; verdict: Verdict }
  /** what another tab says of it */
  | { type: "heard"; runId: string; says: TabWord; code: string | undefined }
  /** taken back by the person, here or in another tab */
  | { type: "withdrawn"; runId: string }
  | { type: "wake" }
  | { type: "offline" }
  | { type: "tick" };

/** What the shell carries out, in order. */
export type OutboxEffect =
  /** say `unblocked` once the answer before this prompt is final and its conversation not deleted */
  | { type: "watch-parent"; command: RunCommand }
  | { type: "send"; command: RunCommand }
  /** forget what is under way for it: a watch, a request */
  | { type: "abort"; runId: string }
  /** take it out of the store */
  | { type: "remove"; runId: string };

export interface OutboxStep {
  state: RunOutbox;
  effects: readonly OutboxEffect[];
}

/** When an event happened, and chance for the waits it leads to. */
export interface OutboxMoment {
  /** ms by a clock that nobody sets: waits go by it */
  now: number;
  /** ms since 1970, as commands are dated */
  wall: number;
  /** in [0, 1) */
  random: number;
}

export const newOutbox = (online: boolean): RunOutbox => ({ online, planned: new Map() });

/**
 * The next state of delivery, and what to do about it. Within a conversation commands go in the order they
 * were made; one that waits for an answer to end, or for its prompt or message, does not hold back later ones.
 */
export function nextOutbox(state: RunOutbox, event: OutboxEvent, at: OutboxMoment): OutboxStep {
  const changed = applyOutboxEvent(state, event, at);
  return startReady(changed, at.wall);
}

/** When a `tick` is due; `undefined` when nothing waits for time. */
export function outboxDeadline({ planned, online }: RunOutbox): number | undefined {
  const times = [...planned.values()].flatMap(({ phase }) => (phase.type === "waiting" ? [phase.until] : []));
  return online && times.length > 0 ? Math.min(...times) : undefined;
}

/** What a person is told about a command. */
export function deliveryOf({ planned }: RunOutbox, runId: string): Delivery | undefined {
  const one = planned.get(runId);
  if (!one) return undefined;
  const { phase, sentElsewhere } = one;
  switch (phase.type) {
    case "storing":
    case "blocked":
    case "ready":
    case "waiting":
      return { type: sentElsewhere ? "sending" : "queued" };
    case "sending":
      return { type: "sending" };
    case "refused":
      return { type: "refused", code: phase.code };
  }
}

/** Statuses that may change by themselves or by signing in again. Other 4xx are final. */
const RETRIED_4XX: ReadonlySet<number> = new Set([401, 403, 408, 425, 429]);
/** The prompt or word that its conversation is deleted is still on its way, or the run it waits for not committed yet. */
const RETRIED_CODES: ReadonlySet<string> = new Set(["parent_missing", "message_busy", "conversation_deleted"]);

/**
 * What an answer to `PUT /api/runs/:id` means.
 * @param code of its problem document, if it had one
 * @param retryAfterMs its Retry-After, 0 without
 */
export function judgeAnswer(status: number, code: string | undefined, retryAfterMs: number): Verdict {
  // 410: it ran, ended, and its log is gone already; the answer is in the document.
  if ((status >= 200 && status < 300) || status === 410) return { type: "started" };
  if (code === "message_written") return { type: "written" };
  const aside = code !== undefined && RETRIED_CODES.has(code);
  const passing = RETRIED_4XX.has(status) || aside;
  const final = status >= 400 && status < 500 && !passing;
  if (final) return { type: "refused", code: code ?? `http_${status}` };
  return { type: "retry", atLeastMs: retryAfterMs, ...(aside && { aside }) };
}

function applyOutboxEvent(state: RunOutbox, event: OutboxEvent, at: OutboxMoment): OutboxStep {
  switch (event.type) {
    case "made":
      if (state.planned.has(event.command.runId)) return { state, effects: [] };
      return { state: put(state, newCommand(event.command, { type: "storing" })), effects: [] };
    case "stored":
      return takeStored(state, event.commands, event.complete);
    case "unblocked":
      return { state: setPhase(state, event.runId, "blocked", { type: "ready" }), effects: [] };
    case "judged":
      return judge(state, event.runId, event.verdict, at);
    case "heard":
      return hear(state, event);
    case "withdrawn":
      return dropped(state, event.runId, [
        { type: "abort", runId: event.runId },
        { type: "remove", runId: event.runId },
      ]);
    case "wake":
      return { state: { online: true, planned: mapAll(state, awake) }, effects: [] };
    case "offline":
      // A tab that closed in the middle of sending never says that it waits; one that lives says so itself.
      return {
        state: { online: false, planned: mapAll(state, (one) => ({ ...one, sentElsewhere: false })) },
        effects: [],
      };
    case "tick":
      return { state: { ...state, planned: mapAll(state, (one) => dueNow(one, at.now)) }, effects: [] };
  }
}

const newCommand = (command: RunCommand, phase: Phase): PlannedCommand => ({
  command,
  phase,
  failures: 0,
  sentElsewhere: false,
});

const put = (state: RunOutbox, one: PlannedCommand): RunOutbox => ({
  ...state,
  planned: new Map(state.planned).set(one.command.runId, one),
});

const mapAll = (state: RunOutbox, change: (one: PlannedCommand) => PlannedCommand): Map<string, PlannedCommand> =>
  new Map([...state.planned].map(([runId, one]) => [runId, change(one)]));

const awake = (one: PlannedCommand): PlannedCommand =>
  one.phase.type === "waiting" ? { ...one, phase: { type: "ready" }, failures: 0 } : one;

const dueNow = (one: PlannedCommand, now: number): PlannedCommand =>
  one.phase.type === "waiting" && one.phase.until <= now ? { ...one, phase: { type: "ready" } } : one;

function setPhase(state: RunOutbox, runId: string, from: Phase["type"], to: Phase): RunOutbox {
  const one = state.planned.get(runId);
  return one?.phase.type === from ? put(state, { ...one, phase: to }) : state;
}

function dropped(state: RunOutbox, runId: string, effects: readonly OutboxEffect[]): OutboxStep {
  if (!state.planned.has(runId)) return { state, effects: [] };
  const planned = new Map(state.planned);
  planned.delete(runId);
  return { state: { ...state, planned }, effects };
}

/** New commands start blocked; with a complete list, commands that are gone from it were settled by another tab. */
function takeStored(state: RunOutbox, stored: readonly RunCommand[], complete: boolean): OutboxStep {
  const planned = new Map(state.planned);
  const effects: OutboxEffect[] = [];
  for (const command of stored) {
    const known = planned.get(command.runId);
    if (known && known.phase.type !== "storing") continue;
    planned.set(command.runId, newCommand(command, { type: "blocked" }));
    effects.push({ type: "watch-parent", command });
  }
  const listed = new Set(stored.map((command) => command.runId));
  for (const [runId, { phase }] of complete ? state.planned : []) {
    if (listed.has(runId) || phase.type === "refused" || phase.type === "storing" || phase.type === "sending") continue;
    planned.delete(runId);
    effects.push({ type: "abort", runId });
  }
  return { state: { ...state, planned }, effects };
}

/** Another tab holds the lock while it sends, so what it says last holds until this one had its own turn. */
function hear(state: RunOutbox, { runId, says, code }: Extract<OutboxEvent, { type: "heard" }>): OutboxStep {
  const one = state.planned.get(runId);
  if (!one || one.phase.type === "refused") return { state, effects: [] };
  const abort: OutboxEffect = { type: "abort", runId };
  switch (says) {
    case "sending":
    case "waiting":
      return { state: put(state, { ...one, sentElsewhere: says === "sending" }), effects: [] };
    case "started":
      return dropped(state, runId, [abort]);
    case "refused":
      return { state: put(state, { ...one, phase: { type: "refused", code: code ?? "unknown" } }), effects: [abort] };
  }
}

function judge(state: RunOutbox, runId: string, verdict: Verdict, at: OutboxMoment): OutboxStep {
  const sent = state.planned.get(runId);
  if (sent?.phase.type !== "sending") return { state, effects: [] };
  const one = { ...sent, sentElsewhere: false };
  switch (verdict.type) {
    case "started":
    case "written":
      return dropped(state, runId, [{ type: "remove", runId }]);
    case "elsewhere":
      return dropped(state, runId, []);
    case "deleted": {
      const watch: OutboxEffect = { type: "watch-parent", command: one.command };
      return { state: put(state, { ...one, phase: { type: "blocked" } }), effects: [watch] };
    }
    case "refused":
      return {
        state: put(state, { ...one, phase: { type: "refused", code: verdict.code } }),
        effects: [{ type: "remove", runId }],
      };
    case "retry": {
      const wait = Math.max(verdict.atLeastMs, backoffMs(one.failures, RETRY_BASE_MS, RETRY_CAP_MS, at.random));
      const phase: Phase = { type: "waiting", until: at.now + wait, aside: verdict.aside === true };
      return { state: put(state, { ...one, phase, failures: one.failures + 1 }), effects: [] };
    }
  }
}

const byAge = (a: PlannedCommand, b: PlannedCommand): number =>
  a.command.createdAt - b.command.createdAt || (a.command.runId < b.command.runId ? -1 : 1);

/** Sends the oldest command of each conversation that is not blocked, once it is ready and nothing of it is under way. */
function startReady({ state, effects }: OutboxStep, wall: number): OutboxStep {
  if (!state.online) return { state, effects };
  const all = [...state.planned.values()];
  const taken = new Set(all.filter(({ phase }) => phase.type === "sending").map((one) => one.command.conversationId));
  const planned = new Map(state.planned);
  const sends: OutboxEffect[] = [];
  for (const one of all.toSorted(byAge)) {
    const { runId, conversationId } = one.command;
    if (one.phase.type === "refused" || taken.has(conversationId)) continue;
    if ((one.phase.type === "ready" || one.phase.type === "blocked") && isExpired(one.command, wall)) {
      planned.set(runId, { ...one, phase: { type: "refused", code: "expired" } });
      sends.push({ type: "abort", runId }, { type: "remove", runId });
      continue;
    }
    if (one.phase.type === "blocked" || (one.phase.type === "waiting" && one.phase.aside)) continue;
    taken.add(conversationId);
    if (one.phase.type === "ready") {
      planned.set(runId, { ...one, phase: { type: "sending" } });
      sends.push({ type: "send", command: one.command });
    }
  }
  return { state: { ...state, planned }, effects: [...effects, ...sends] };
}
