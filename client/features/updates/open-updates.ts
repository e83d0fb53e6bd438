import { Workbox } from "workbox-window";
import type { Clock } from "#client/platform/platform.ts";
import { CHECK_EVERY_MS, CHECK_PAUSE_MS, mayCheck, nextUpdate } from "./update-state.ts";
import type { Update, UpdateEvent } from "./update-state.ts";

/** How often a page that is to be loaded again looks whether that would disturb somebody, in ms. */
const LOOK_MS = 1_000;

export interface UpdatesParts {
  clock: Clock;
  /** whether loading the page again would disturb nobody */
  isQuiet: () => boolean;
  /** resolves when all that was written is on this device, or cannot be brought there */
  flush: () => Promise<void>;
  /** whether nothing would be lost: no words are in this window only */
  mayLeave: () => boolean;
  /** tells a person that a new version is ready */
  tell: (onUpdate: () => void) => void;
  reload: () => void;
}

/**
 * Registers the service worker, looks for newer versions, and brings this tab to a newer one when a person says so,
 * here or in another tab, and never while it would disturb them. Ends with the signal.
 */
export function openUpdates(parts: UpdatesParts, signal: AbortSignal): void {
  const { clock } = parts;
  const container = navigator.serviceWorker;
  let workbox: Workbox | undefined;
  let registration: ServiceWorkerRegistration | undefined;
  /** a worker kept all of its files; the browser forgets one that could not fetch them, and it has to be registered again */
  let installed = false;
  let pauseMs = CHECK_PAUSE_MS;
  let update: Update = { type: "none" };
  let controlled = container.controller !== null;
  let checkedAt = clock.now();
  let stopLooking: (() => void) | undefined;

  function take(event: UpdateEvent): void {
    const before = update.type;
    update = nextUpdate(update, event);
    if (update.type === before || signal.aborted) return;
    switch (update.type) {
      case "none":
        return;
      case "waiting":
        return parts.tell(() => take({ type: "pressed" }));
      case "applying":
        return void apply();
      case "due":
        return look();
      case "reloading":
        return void parts.flush().finally(leave);
    }
  }

  function leave(): void {
    if (parts.mayLeave()) parts.reload();
    else take({ type: "held" });
  }

  async function apply(): Promise<void> {
    await parts.flush();
    if (registration?.waiting) return workbox?.messageSkipWaiting();
    // Another tab was quicker.
    take({ type: "took-over" });
  }

  function look(): void {
    if (update.type !== "due" || signal.aborted) return;
    stopLooking?.();
    stopLooking = clock.after(LOOK_MS, look);
    take({ type: "looked", quiet: parts.isQuiet() });
  }

  async function register(): Promise<void> {
    if (registration?.installing) return;
    const next = new Workbox("/sw.js", { scope: "/" });
    next.addEventListener("installed", () => (installed = true));
    next.addEventListener("waiting", () => take({ type: "came" }));
    next.addEventListener("activated", () => {
      // A page that no worker controls, e.g. after a forced reload, hears of it in no other way.
      if (update.type === "applying") take({ type: "took-over" });
    });
    next.addEventListener("redundant", () => {
      if (installed) return;
      clock.after(pauseMs, () => void check());
      // Where there is no room for its files, for example, that is so for long.
      pauseMs = Math.min(2 * pauseMs, CHECK_EVERY_MS);
    });
    workbox = next;
    registration = await next.register({ immediate: true });
    installed ||= Boolean(registration?.active);
  }

  /** Without a network there is nothing to be found; the next look comes by itself. */
  async function check(): Promise<void> {
    if (signal.aborted) return;
    checkedAt = clock.now();
    // A browser may refuse a worker (private windows, storage blocked): the app then works as a page.
    await (installed ? registration?.update() : register())?.catch(() => undefined);
  }

  function onComeBack(): void {
    if (document.visibilityState === "hidden") return take({ type: "looked", quiet: parts.isQuiet() });
    if (mayCheck(clock.now(), checkedAt, navigator.onLine)) void check();
  }

  function checkAgain(): void {
    if (signal.aborted) return;
    clock.after(CHECK_EVERY_MS, () => {
      void check();
      checkAgain();
    });
  }

  const onController = (): void => {
    if (controlled) take({ type: "took-over" });
    controlled = true;
  };
  container.addEventListener("controllerchange", onController, { signal });
  document.addEventListener("visibilitychange", onComeBack, { signal });
  window.addEventListener("focus", onComeBack, { signal });
  window.addEventListener("online", () => void (installed || check()), { signal });
  checkAgain();
  void check();
}
