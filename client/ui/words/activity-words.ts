import { enActivity, enRefused } from "./en-activity.ts";

/** What one line of the audit log says. An action that this version does not know is shown by its name. */
export function activityWords({ action, outcome }: { action: string; outcome: "ok" | "refused" }): string {
  const what = enActivity[action] ?? action;
  return outcome === "ok" ? what : enRefused(what);
}
