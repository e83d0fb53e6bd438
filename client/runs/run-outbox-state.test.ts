import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RunCommand } from "#client/local-store/run-command.ts";
import { deliveryOf, judgeAnswer, newOutbox, nextOutbox, outboxDeadline } from "./run-outbox-state.ts";
import type { OutboxEffect, OutboxEvent, TabWord, Verdict } from "./run-outbox-state.ts";

const command = (runId: string, createdAt = 0, conversationId = "c1"): RunCommand => ({
  runId,
  conversationId,
  parentMessageId: `prompt-${runId}`,
  messageId: `answer-${runId}`,
  model: "guide/guide",
  parameters: {},
  createdAt,
});

const DAY_MS = 86_400_000;

function outbox({ online = true, random = 0.5 } = {}) {
  let state = newOutbox(online);
  let now = 1000;
  let wallOffset = 0;
  return {
    setClock(offset: number): void {
      wallOffset = offset;
    },
    step(event: OutboxEvent, afterMs = 0): readonly OutboxEffect[] {
      now += afterMs;
      const step = nextOutbox(state, event, { now, wall: now + wallOffset, random });
      state = step.state;
      return step.effects;
    },
    store: (...commands: RunCommand[]): OutboxEvent => ({ type: "stored", commands, complete: false }),
    /** Stores a command whose prompt follows a finished answer. */
    ready(one: RunCommand): readonly OutboxEffect[] {
      this.step(this.store(one));
      return this.step({ type: "unblocked", runId: one.runId });
    },
    judged(runId: string, verdict: Verdict): readonly OutboxEffect[] {
      return this.step({ type: "judged", runId, verdict });
    },
    delivery: (runId: string) => deliveryOf(state, runId)?.type,
    state: () => state,
    waitMs: () => (outboxDeadline(state) ?? Number.NaN) - now,
  };
}

const RETRY: Verdict = { type: "retry", atLeastMs: 0 };

describe("what an answer to a start means", () => {
  test.each([
    [200, undefined, "started"],
    [201, undefined, "started"],
    [400, "invalid_body", "refused"],
    [404, "not_found", "refused"],
    [409, "run_id_reused", "refused"],
    [410, "gone", "started"],
    [422, "model_unknown", "refused"],
    [404, "parent_missing", "retry"],
    [409, "message_busy", "retry"],
    [409, "message_written", "written"],
    [409, "conversation_deleted", "retry"],
    [401, "unauthenticated", "retry"],
    [429, "too_many_followers", "retry"],
    [500, "internal", "retry"],
    [502, undefined, "retry"],
    [503, "draining", "retry"],
    [507, "storage_unavailable", "retry"],
  ])("%i %s: %s", (status, code, type) => {
    expect(judgeAnswer(status, code, 0).type).toBe(type);
  });

  test("a refusal keeps its code, and a wait its length", () => {
    expect(judgeAnswer(422, "model_unknown", 0)).toEqual({ type: "refused", code: "model_unknown" });
    expect(judgeAnswer(413, undefined, 0)).toEqual({ type: "refused", code: "http_413" });
    expect(judgeAnswer(503, "draining", 2000)).toEqual({ type: "retry", atLeastMs: 2000 });
  });
});

describe("delivery of run commands", () => {
  test("nothing is sent before it is stored on this device", () => {
    const box = outbox();
    expect(box.step({ type: "made", command: command("r1") })).toEqual([]);
    expect(box.delivery("r1")).toBe("queued");
    expect(box.step(box.store(command("r1")))).toEqual([{ type: "watch-parent", command: command("r1") }]);
    expect(box.step({ type: "unblocked", runId: "r1" })).toEqual([{ type: "send", command: command("r1") }]);
    expect(box.delivery("r1")).toBe("sending");
  });

  test("within a conversation commands go one after the other, oldest first", () => {
    const box = outbox({ online: false });
    for (const one of [command("r3", 3), command("r1", 1), command("r2", 2), command("x", 9, "c2")]) box.ready(one);
    const sent = box.step({ type: "wake" });
    expect(sent).toEqual([
      { type: "send", command: command("r1", 1) },
      { type: "send", command: command("x", 9, "c2") },
    ]);
    expect(box.judged("r1", { type: "started" })).toEqual([
      { type: "remove", runId: "r1" },
      { type: "send", command: command("r2", 2) },
    ]);
  });

  test("a prompt behind an answer that is being written waits, and holds back no other branch", () => {
    const box = outbox();
    box.step(box.store(command("r1", 1)));
    expect(box.ready(command("r2", 2))).toEqual([{ type: "send", command: command("r2", 2) }]);
    expect(box.delivery("r1")).toBe("queued");
  });

  test("P3: a retry sends the very same command", () => {
    const box = outbox();
    box.ready(command("r1"));
    box.judged("r1", RETRY);
    expect(box.step({ type: "tick" }, box.waitMs())).toEqual([{ type: "send", command: command("r1") }]);
  });

  test("retries wait with full jitter up to 30 s, at least as long as the server asks", () => {
    const box = outbox({ random: 0.999_999 });
    box.ready(command("r1"));
    const waits = Array.from({ length: 8 }, () => {
      box.judged("r1", RETRY);
      const wait = box.waitMs();
      box.step({ type: "tick" }, wait);
      return wait;
    });
    expect(waits).toEqual([499, 999, 1999, 3999, 7999, 15_999, 29_999, 29_999]);
    box.judged("r1", { type: "retry", atLeastMs: 60_000 });
    expect(box.waitMs()).toBe(60_000);
  });

  test("a wake-up sends at once; offline nothing is sent and nothing ticks", () => {
    const box = outbox();
    box.ready(command("r1"));
    box.judged("r1", RETRY);
    box.step({ type: "offline" });
    expect(outboxDeadline(box.state())).toBeUndefined();
    expect(box.step({ type: "tick" }, 60_000)).toEqual([]);
    expect(box.step({ type: "wake" })).toEqual([{ type: "send", command: command("r1") }]);
  });

  test("a final refusal keeps its code, leaves the store, and lets the next one go", () => {
    const box = outbox();
    box.ready(command("r1", 1));
    box.ready(command("r2", 2));
    expect(box.judged("r1", { type: "refused", code: "model_unknown" })).toEqual([
      { type: "remove", runId: "r1" },
      { type: "send", command: command("r2", 2) },
    ]);
    expect(deliveryOf(box.state(), "r1")).toEqual({ type: "refused", code: "model_unknown" });
  });

  test.each(["message_busy", "parent_missing"])("a start that waits after %s lets the next one go", (code) => {
    const box = outbox({ random: 0.999_999 });
    box.ready(command("r1", 1));
    box.ready(command("r2", 2));
    expect(box.judged("r1", judgeAnswer(409, code, 0))).toEqual([{ type: "send", command: command("r2", 2) }]);
    expect(box.step({ type: "tick" }, box.waitMs())).toEqual([]);
    expect(box.judged("r2", { type: "started" })).toEqual([
      { type: "remove", runId: "r2" },
      { type: "send", command: command("r1", 1) },
    ]);
  });

  test("a start that waits for the network keeps its place", () => {
    const box = outbox();
    box.ready(command("r1", 1));
    box.ready(command("r2", 2));
    expect(box.judged("r1", RETRY)).toEqual([]);
  });

  test("a command whose message another run wrote is settled: nothing is left of it", () => {
    const box = outbox();
    box.ready(command("r1", 1));
    box.ready(command("r2", 2));
    expect(box.judged("r1", { type: "written" })).toEqual([
      { type: "remove", runId: "r1" },
      { type: "send", command: command("r2", 2) },
    ]);
    expect(box.delivery("r1")).toBeUndefined();
  });

  test("what another tab settled is dropped, but not what is still being stored or sent here", () => {
    const box = outbox();
    box.step({ type: "made", command: command("storing") });
    box.step(box.store(command("blocked", 1)));
    box.ready(command("sending", 2, "c2"));
    const effects = box.step({ type: "stored", commands: [], complete: true });
    expect(effects).toEqual([{ type: "abort", runId: "blocked" }]);
    expect([...box.state().planned.keys()]).toEqual(["storing", "sending"]);
  });

  test("withdrawing forgets it everywhere, and a late answer changes nothing", () => {
    const box = outbox();
    box.ready(command("r1"));
    expect(box.step({ type: "withdrawn", runId: "r1" })).toEqual([
      { type: "abort", runId: "r1" },
      { type: "remove", runId: "r1" },
    ]);
    expect(box.judged("r1", { type: "started" })).toEqual([]);
    expect(box.delivery("r1")).toBeUndefined();
  });

  test("a wait goes by a clock that nobody sets, the age of a command by the one it was dated with", () => {
    const box = outbox();
    box.ready(command("r1"));
    box.judged("r1", RETRY);
    box.setClock(-7 * DAY_MS);
    expect(box.step({ type: "tick" }, box.waitMs())).toEqual([{ type: "send", command: command("r1") }]);
    box.judged("r1", RETRY);
    box.setClock(7 * DAY_MS);
    box.step({ type: "wake" });
    expect(deliveryOf(box.state(), "r1")).toEqual({ type: "refused", code: "expired" });
  });

  test("a command the server may have forgotten the id of is refused, not sent again", () => {
    const box = outbox({ online: false });
    box.ready(command("r1"));
    box.step(box.store(command("blocked", 1, "c2")));
    expect(box.step({ type: "wake" }, 6 * DAY_MS + 2)).toEqual(
      ["r1", "blocked"].flatMap((runId) => [
        { type: "abort", runId },
        { type: "remove", runId },
      ]),
    );
    for (const runId of ["r1", "blocked"]) {
      expect(deliveryOf(box.state(), runId)).toEqual({ type: "refused", code: "expired" });
    }
  });

  test("in a deleted conversation a command waits, however long, until it is restored", () => {
    const box = outbox();
    box.ready(command("r1"));
    expect(box.judged("r1", { type: "deleted" })).toEqual([{ type: "watch-parent", command: command("r1") }]);
    expect(box.delivery("r1")).toBe("queued");
    expect(box.step({ type: "wake" }, DAY_MS)).toEqual([]);
    expect(box.step({ type: "unblocked", runId: "r1" })).toEqual([{ type: "send", command: command("r1") }]);
  });

  test("what another tab says of its attempt holds until this tab had its own turn", () => {
    const box = outbox();
    const heard = (says: TabWord, code?: string) => box.step({ type: "heard", runId: "r1", says, code });
    box.ready(command("r1"));
    box.judged("r1", RETRY);
    expect(box.delivery("r1")).toBe("queued");
    heard("sending");
    expect(box.delivery("r1")).toBe("sending");
    heard("waiting");
    expect(box.delivery("r1")).toBe("queued");
    heard("sending");
    box.step({ type: "tick" }, box.waitMs());
    box.judged("r1", RETRY);
    expect(box.delivery("r1")).toBe("queued");
  });

  test("a start or a refusal in another tab is one here too, and ends what was under way", () => {
    for (const says of ["started", "refused"] as const) {
      const box = outbox();
      box.ready(command("r1"));
      expect(box.step({ type: "heard", runId: "r1", says, code: "model_unknown" })).toEqual([
        { type: "abort", runId: "r1" },
      ]);
      expect(deliveryOf(box.state(), "r1")).toEqual(
        says === "started" ? undefined : { type: "refused", code: "model_unknown" },
      );
      expect(box.judged("r1", RETRY)).toEqual([]);
    }
  });

  test("P3: whatever happens, a conversation has at most one start under way, and a settled command never leaves again", () => {
    const runIds = ["a", "b", "c"];
    const verdict = fc.constantFrom<Verdict>(
      { type: "started" },
      { type: "refused", code: "x" },
      { type: "deleted" },
      RETRY,
    );
    const event = fc.oneof(
      fc.constantFrom<OutboxEvent>({ type: "wake" }, { type: "offline" }, { type: "tick" }),
      fc.record({ type: fc.constant("unblocked" as const), runId: fc.constantFrom(...runIds) }),
      fc.record({ type: fc.constant("judged" as const), runId: fc.constantFrom(...runIds), verdict }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const box = outbox();
        const settled = new Set<string>();
        const first = box.step(box.store(...runIds.map((runId, i) => command(runId, i))));
        expect(first).toHaveLength(3);
        for (const one of events) {
          const sent = box
            .step(one, 31_000)
            .flatMap((effect) => (effect.type === "send" ? [effect.command.runId] : []));
          for (const runId of sent) expect(settled.has(runId)).toBe(false);
          for (const runId of runIds) {
            const delivery = box.delivery(runId);
            if (delivery === undefined || delivery === "refused") settled.add(runId);
          }
          expect(runIds.filter((runId) => box.delivery(runId) === "sending").length).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
