import type { ProviderPart, Providers, ServedModel } from "#server/runs/provider.ts";
import type { Owner, World } from "./world.ts";

/** What the provider was asked and said, for the oracles. */
export interface ProviderRecord {
  calls: number;
  /** calls under way at once: now, and at most */
  underWay: number;
  most: number;
  /** calls that said anything */
  answered: number;
  /** everything it said, over all calls */
  text: string;
  /** it said that the answer is whole */
  finished: boolean;
}

export const MODEL = "sim/model";
/** A prompt names itself, so that its answer can be known again. */
export const PROMPT = /\{(d\d-\d+)\}/gu;

/**
 * A provider that answers each prompt in tokens that name it and are numbered. It may fail before the first
 * token, or be cut after some.
 */
export function createProvider(
  world: World,
  owner: Owner,
  records: Map<string, ProviderRecord>,
  faulty: () => boolean,
): Providers {
  const pause = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      world.after(ms, resolve, owner);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });

  async function* call(prompt: string, signal: AbortSignal): AsyncIterable<readonly ProviderPart[]> {
    const name = [...prompt.matchAll(PROMPT)].at(-1)?.[1] ?? "nameless";
    const record = records.get(name) ?? { calls: 0, underWay: 0, most: 0, answered: 0, text: "", finished: false };
    records.set(name, record);
    record.calls += 1;
    record.underWay += 1;
    record.most = Math.max(record.most, record.underWay);
    signal.addEventListener("abort", () => void (record.underWay -= 1), { once: true });
    world.note(`the provider is called for ${name}`);
    const chance = world.chance(`provider ${name} ${record.calls}`);
    const fate = faulty() ? chance.next() : 1;
    await pause(chance.delay(20, 900), signal);
    if (signal.aborted) return;
    if (fate < 0.15) return yield [{ type: "failed", failure: { class: "server", status: 503 } }];
    yield [{ type: "open" }];
    const tokens = 1 + chance.below(40);
    const cutAt = fate < 0.3 ? chance.below(tokens) : tokens;
    for (let token = 1; token <= tokens; token++) {
      await pause(chance.delay(2, 200), signal);
      if (signal.aborted) return;
      if (token > cutAt) return;
      const text = ` ${name}:${token}`;
      if (token === 1) record.answered += 1;
      record.text += text;
      yield [{ type: "text", text }];
    }
    record.finished = true;
    yield [{ type: "finish", finish: "stop" }, { type: "done" }];
  }

  const served: ServedModel = {
    id: MODEL,
    name: "model",
    prices: [],
    provider: {
      id: "sim",
      name: "Simulated",
      kind: "guide",
      concurrency: 64,
      call: ({ messages }, signal) => call(messages.at(-1)?.text ?? "", signal),
    },
  };
  return {
    list: async () => ({ models: [], defaultModel: MODEL }),
    find: async (id) => (id === MODEL ? served : undefined),
    close: async () => undefined,
  };
}
