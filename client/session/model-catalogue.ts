import type { Platform } from "#client/platform/platform.ts";
import type { SmallStorage } from "#client/platform/small-storage.ts";
import { backoffMs } from "#shared/lib/backoff.ts";
import { modelsSchema } from "#shared/protocol/http-bodies.ts";
import type { Me, Models } from "#shared/protocol/http-bodies.ts";
import { remembered } from "./remembered.ts";
import type { ModelCatalogue } from "./workspace.ts";

const RETRY_BASE_MS = 1000;
const RETRY_CAP_MS = 60_000;

export interface ModelCatalogueParts {
  platform: Pick<Platform, "fetch" | "connectivity" | "clock" | "random">;
  smallStorage: SmallStorage;
  me: Me;
}

/** Asks for the models now and at each wake-up, until the signal ends; the last answer is kept per account. */
export function openModelCatalogue(parts: ModelCatalogueParts, signal: AbortSignal): ModelCatalogue {
  const { platform, me } = parts;
  const last = remembered(parts.smallStorage, `holdfast.models.${me.accountId}.${me.workspaceId}`, modelsSchema);
  const listeners = new Set<() => void>();
  let models: Models | undefined = last.read();
  let text = models && JSON.stringify(models);
  let asking = false;
  let failures = 0;
  let cancelRetry: (() => void) | undefined;

  function take(answer: Models): void {
    const answerText = JSON.stringify(answer);
    // The same answer stays the same object, so that nothing renders again.
    if (answerText === text) return;
    text = answerText;
    models = answer;
    last.write(answer);
    for (const listener of listeners) listener();
  }

  async function refresh(): Promise<void> {
    if (asking) return;
    asking = true;
    cancelRetry?.();
    const answer = await askModels(platform.fetch, signal);
    asking = false;
    if (signal.aborted) return;
    if (answer) {
      failures = 0;
      return take(answer);
    }
    cancelRetry = platform.clock.after(
      backoffMs(failures++, RETRY_BASE_MS, RETRY_CAP_MS, platform.random()),
      () => void refresh(),
    );
  }

  const stopWatching = platform.connectivity.onWake(() => void refresh());
  signal.addEventListener(
    "abort",
    () => {
      stopWatching();
      cancelRetry?.();
    },
    { once: true },
  );
  void refresh();

  return {
    models: () => models,
    subscribe(listener) {
      const own = (): void => listener();
      listeners.add(own);
      return () => listeners.delete(own);
    },
  };
}

async function askModels(fetch: Platform["fetch"], signal: AbortSignal): Promise<Models | undefined> {
  try {
    const response = await fetch("/api/models", { headers: { accept: "application/json" }, signal });
    if (!response.ok) {
      await response.body?.cancel();
      return undefined;
    }
    const parsed = modelsSchema.safeParse(await response.json());
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // asked again later; the last answer stays
  }
}
