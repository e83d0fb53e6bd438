/**
 * Writes a bug to the console, the only place this app logs to. What is expected to fail is shown in words
 * instead, and never carries what a person wrote.
 */
export function reportBug(where: string, error: unknown): void {
  // oxlint-disable-next-line no-console -- the one place that may: a bug is reported where developers look
  console.error(`Holdfast: ${where}`, error);
}

/** Reports what nobody caught, until the signal ends. The browser logs it as well; this names the app. */
export function reportUncaught(signal: AbortSignal): void {
  window.addEventListener("error", (event) => reportBug("uncaught", event.error ?? event.message), { signal });
  window.addEventListener("unhandledrejection", (event) => reportBug("unhandled rejection", event.reason), { signal });
}
