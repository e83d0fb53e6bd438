import { expect, test } from "vitest";
import type { LiveRun } from "#client/runs/runs.ts";
import { enFailures } from "#client/ui/words/en-failures.ts";
import { en } from "#client/ui/words/en.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import type { AssistantMessage, Message, UserMessage } from "#shared/domain/message.ts";
import { RUN_FAILURE_CODES } from "#shared/domain/run.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import { NOTHING_ANNOUNCED, nextAnnouncement } from "./announcement-state.ts";
import { answerView, countWords } from "./answer-state.ts";
import { branchRows, versionOf } from "./branch-rows.ts";
import { plannedView, refusalWords } from "./planned-state.ts";
import { START_FOLLOWING, nextFollow } from "./scroll-state.ts";

const run = (facts: Partial<RunFacts> = {}): RunFacts => ({
  runId: "r1",
  model: "t/m",
  parameters: {},
  status: "streaming",
  frame: 1,
  queuedAt: 0,
  ...facts,
});
const answer = (text: string, facts?: Partial<RunFacts>, id = "a1"): AssistantMessage => ({
  id: id as MessageId,
  parentId: "p1" as MessageId,
  role: "assistant",
  text,
  reasoning: "",
  createdAt: 0,
  run: run(facts),
});
const prompt = (id: string, plannedMessage?: string): UserMessage => ({
  id: id as MessageId,
  parentId: undefined,
  role: "user",
  text: id,
  createdAt: 0,
  plannedRun: plannedMessage === undefined ? undefined : { runId: "r1", messageId: plannedMessage, model: "t/m" },
});
const live = (change: Partial<LiveRun> = {}): LiveRun => ({
  status: "streaming",
  text: "",
  reasoning: "",
  frame: 1,
  paused: false,
  waiting: undefined,
  failure: undefined,
  ...change,
});

test("the longer of stored and followed text is shown while a run is under way", () => {
  expect(answerView(answer("Hel"), live({ text: "Hello" })).text).toBe("Hello");
  expect(answerView(answer("Hello you"), live({ text: "Hello" })).text).toBe("Hello you");
});

test("a paused reader sees the frozen text, also after the run ended", () => {
  const view = answerView(
    answer("Hello you", { status: "completed" }),
    live({ text: "Hel", paused: true, status: "completed" }),
  );
  expect(view).toMatchObject({ phase: "writing", text: "Hel", paused: true });
});

test("once the document says that the run is over, the document is what is shown", () => {
  expect(answerView(answer("Whole", { status: "completed" }), live({ text: "Whole and more" }))).toEqual({
    phase: "ended",
    text: "Whole",
    reasoning: "",
    ending: { type: "whole" },
  });
});

test("a follower that knows the end first shows it before the document does", () => {
  const failure = { code: "provider_cut", retryable: true } as const;
  expect(answerView(answer("Ha"), live({ text: "Half", status: "interrupted", failure }))).toMatchObject({
    phase: "ended",
    text: "Half",
    ending: { type: "interrupted", failure },
  });
});

test("how long to wait is what the server meant, whatever the device's clock says", () => {
  const failure = { code: "rate_limited", retryable: true, retryAt: 90_000 } as const;
  const waitOf = (endedAt?: number) => answerView(answer("", { status: "failed", failure, endedAt }), undefined);
  expect(waitOf(30_000)).toMatchObject({ ending: { type: "failed", failure, waitMs: 60_000 } });
  expect(waitOf(95_000)).toMatchObject({ ending: { waitMs: 0 } });
  expect(waitOf()).toMatchObject({ ending: { waitMs: 0 } });
});

test("an answer cut by its length limit says so", () => {
  expect(answerView(answer("x", { status: "completed", finish: "length" }), undefined)).toMatchObject({
    ending: { type: "length" },
  });
});

test("a planned answer follows its prompt, and keeps its key when it begins", () => {
  const asked = prompt("p1", "a1");
  const before = branchRows([asked], () => false);
  const after = branchRows([asked, answer("x")], () => true);
  expect(before.map((row) => [row.type, row.key])).toEqual([
    ["prompt", "p1"],
    ["planned", "a1"],
  ]);
  expect(after.map((row) => [row.type, row.key])).toEqual([
    ["prompt", "p1"],
    ["answer", "a1"],
  ]);
});

test("one more answer that was asked for stands after the one that is shown", () => {
  const rows = branchRows([prompt("p1", "a2"), answer("x"), prompt("p2", "a3")], (id) => id === "a1");
  expect(rows.map((row) => row.key)).toEqual(["p1", "a1", "a2", "p2", "a3"]);
  expect(rows[2]).toMatchObject({ type: "planned", answered: true });
  expect(rows[4]).toMatchObject({ type: "planned", answered: false });
});

test("versions know their neighbours", () => {
  const siblings: Message[] = [prompt("1"), prompt("2"), prompt("3")];
  expect(versionOf(siblings, "2")).toEqual({ position: 2, count: 3, previous: "1", next: "3" });
  expect(versionOf(siblings, "1")).toMatchObject({ previous: undefined });
});

const planned = { delivery: undefined, live: undefined, online: true, behind: false, age: 60_000, answered: false };

test("a prompt that waits says what it waits for", () => {
  expect(plannedView({ ...planned, delivery: { type: "queued" }, online: false })).toEqual({
    type: "queued",
    because: "offline",
  });
  expect(plannedView({ ...planned, delivery: { type: "queued" }, behind: true })).toEqual({
    type: "queued",
    because: "behind",
  });
  expect(plannedView({ ...planned, delivery: { type: "refused", code: "gone" }, live: live() })).toEqual({
    type: "refused",
    code: "gone",
  });
});

test("a prompt nobody here delivers is called unanswered only after a while, and never beside another answer", () => {
  expect(plannedView({ ...planned, age: 100 })).toEqual({ type: "sending" });
  expect(plannedView(planned)).toEqual({ type: "unanswered" });
  expect(plannedView({ ...planned, answered: true })).toEqual({ type: "nothing" });
});

test("a start refused for its model says so", () => {
  expect(refusalWords("model_unknown")).toBe(enFailures.model_unknown);
  expect(refusalWords("expired")).toBe(en.refused);
});

test("moving up stops following, coming back to the end starts it, growth alone changes nothing", () => {
  const atEnd = nextFollow(START_FOLLOWING, { top: 500, height: 1000, view: 500 });
  expect(atEnd.following).toBe(true);
  const grown = nextFollow(atEnd, { top: 500, height: 1400, view: 500 });
  expect(grown.following).toBe(true);
  const up = nextFollow(grown, { top: 400, height: 1400, view: 500 });
  expect(up.following).toBe(false);
  expect(nextFollow(up, { top: 700, height: 1400, view: 500 }).following).toBe(false);
  expect(nextFollow(up, { top: 890, height: 1400, view: 500 }).following).toBe(true);
});

test("content that shrinks is no reader moving up", () => {
  const state = { following: true, top: 900, height: 1400 };
  expect(nextFollow(state, { top: 600, height: 1250, view: 500 }).following).toBe(true);
});

test("a 30 s answer is announced when it begins, at most every 10 s, and when it is complete", () => {
  const said: string[] = [];
  let state = NOTHING_ANNOUNCED;
  for (let now = 0; now <= 30_000; now += 40) {
    const next = nextAnnouncement(state, "r1", undefined, now);
    state = next.state;
    if (next.say) said.push(next.say.type);
  }
  const end = nextAnnouncement(state, undefined, 120, 30_040);
  expect(said).toEqual(["generating", "still", "still", "still"]);
  expect(end.say).toEqual({ type: "complete", words: 120 });
  expect(nextAnnouncement(end.state, undefined, undefined, 30_080).say).toBeUndefined();
});

test("words are counted in any script that separates them", () => {
  expect(countWords("Don't panic – it's 42 Ωμέγα.")).toBe(5);
});

test("every failure a run can have is told in words: what happened, and what to do next", () => {
  for (const code of RUN_FAILURE_CODES) {
    expect(enFailures[code].what).toMatch(/\.$/u);
    expect(enFailures[code].next).toMatch(/kept|lost/u);
  }
});
