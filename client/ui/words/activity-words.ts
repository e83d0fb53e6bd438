import { enActivity, enRefused } from "./en-activity.ts";

interface Activity {
  action: string;
  outcome: "ok" | "refused";
  method?: string | undefined;
}

/** What one line of the audit log says. An action that this version does not know is shown by its name. */
export function activityWords({ action, outcome, method = "" }: Activity): string {
  const what = enActivity[`${action} ${method}`] ?? enActivity[action] ?? action;
  return outcome === "ok" ? what : enRefused(what);
}
