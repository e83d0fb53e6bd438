import { whenIdle } from "./when-idle.ts";

/**
 * Starts something whose code no first paint waits for; answers how to stop it. Code that cannot be fetched starts nothing
 * until somebody asks for it again: only for what is no less true later.
 */
export function startLater<Code>(load: () => Promise<Code>, start: (code: Code) => () => void): () => void {
  const end = new AbortController();
  const begin = (code: Code): void => {
    if (!end.signal.aborted) end.signal.addEventListener("abort", start(code));
  };
  whenIdle(() => void load().then(begin, () => undefined));
  return () => end.abort();
}
