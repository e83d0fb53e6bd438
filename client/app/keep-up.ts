import { openUpdates } from "#client/features/updates/open-updates.ts";
import { steadyClock } from "#client/platform/platform.ts";
import { watchTyping } from "#client/platform/typing.ts";
import type { Workspace } from "#client/session/workspace.ts";
import type { Toast } from "#client/ui/toast.tsx";
import { words } from "#client/ui/words/words.ts";
import { watchMissingParts } from "./missing-parts.ts";
import { isQuiet } from "./quiet-state.ts";

/**
 * Reads the code of a list that is one press away, where it is on this device: without it, the first press of a session
 * waits for its code before it waits for its rows. Nothing is asked of the network, which could fail in a way that a page
 * remembers.
 */
function readAhead(): void {
  if (navigator.serviceWorker?.controller)
    void import("#client/features/snapshots/snapshot-list.tsx").catch(() => undefined);
}

/** Keeps this page up to date with the app, without disturbing anybody, until the signal ends. */
export function keepUp(
  { documents, runs, sync, clock, me }: Pick<Workspace, "documents" | "runs" | "sync" | "clock" | "me">,
  toast: (toast: Toast) => void,
  signal: AbortSignal,
): void {
  const steady = steadyClock(clock);
  const typing = watchTyping(() => steady.now(), signal);
  const onlyHere = (): boolean => {
    const status = sync.status();
    if (me.sharedDevice && (status.type === "saving" || runs.waits())) return true;
    return status.type === "cannot-save" && status.onlyHere > 0;
  };
  const isPageQuiet = (): boolean =>
    isQuiet({
      now: steady.now(),
      typedAt: typing.typedAt(),
      writing: typing.writing(),
      streaming: runs.streaming(),
      hidden: document.hidden,
      onlyHere: onlyHere(),
    });
  const flush = (): Promise<void> => documents.flush();
  watchMissingParts(isPageQuiet, flush, signal);
  readAhead();
  if (!mayRegister()) return;
  openUpdates(
    {
      clock: steady,
      isQuiet: isPageQuiet,
      mayLeave: () => !onlyHere(),
      flush,
      tell: (onUpdate) =>
        toast({ text: words.updates.ready, action: { label: words.updates.update, run: onUpdate }, stays: true }),
      reload: () => location.reload(),
    },
    signal,
  );
}

/** Not while developing, where files change under the worker, nor where the server takes the worker back. */
const mayRegister = (): boolean =>
  import.meta.env.PROD &&
  "serviceWorker" in navigator &&
  document.querySelector('meta[name="service-worker"][content="off"]') === null;
