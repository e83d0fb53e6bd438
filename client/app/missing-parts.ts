import { mayReloadFor } from "./quiet-state.ts";
import { createSmallStorage } from "#client/platform/small-storage.ts";

const KEY = "holdfast.reloaded-for";
/** The name of this file carries the hash of what is in it, and of the files it names: it is of one build. */
const BUILD = new URL(import.meta.url).pathname;

/**
 * Loads the page again where a part of its code is gone, as it may be after an update, until the signal ends. Once for
 * each build and window, and only where the server answers: a page that works in part is better than none.
 */
export function watchMissingParts(isQuiet: () => boolean, flush: () => Promise<void>, signal: AbortSignal): void {
  const storage = createSmallStorage(() => sessionStorage);
  const recover = async (): Promise<void> => {
    const known = { build: BUILD, reloadedFor: storage.read(KEY) };
    const may = (): boolean => mayReloadFor({ ...known, online: navigator.onLine, quiet: isQuiet() });
    if (!may() || !(await serverAnswers())) return;
    await flush();
    if (!may() || signal.aborted) return;
    // Where that cannot be remembered, nothing would keep the page from doing it over and over.
    if (storage.write(KEY, BUILD)) location.reload();
  };
  window.addEventListener("vite:preloadError", () => void recover(), { signal });
}

const serverAnswers = (): Promise<boolean> =>
  fetch("/healthz", { cache: "no-store" }).then(
    ({ ok }) => ok,
    () => false,
  );
