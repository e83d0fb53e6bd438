/** What this tab knows of a newer version of the app. */
export type Update =
  /** none is known */
  | { type: "none" }
  /** one is on this device and waits for a person to press Update, here or in another tab */
  | { type: "waiting" }
  /** pressed here: it takes over, and this tab follows at once */
  | { type: "applying" }
  /** another tab's Update let it take over: this tab follows as soon as nobody is disturbed */
  | { type: "due" }
  | { type: "reloading" };

export type UpdateEvent =
  /** a new version has come and waits */
  | { type: "came" }
  | { type: "pressed" }
  /** the new version is in charge of this page; a first worker that takes a page without one is not new to it */
  | { type: "took-over" }
  /** the page looked around whether a reload would disturb somebody */
  | { type: "looked"; quiet: boolean }
  /** the page was to be loaded again, and would lose words */
  | { type: "held" };

/** The next state. `applying` is when the waiting version is to be told, `reloading` when the page is to be loaded again. */
export function nextUpdate(update: Update, event: UpdateEvent): Update {
  if (update.type === "reloading") return event.type === "held" ? { type: "due" } : update;
  switch (event.type) {
    case "held":
      return update;
    case "came":
      return update.type === "none" ? { type: "waiting" } : update;
    case "pressed":
      return { type: update.type === "due" ? "reloading" : "applying" };
    case "took-over":
      return { type: update.type === "applying" ? "reloading" : "due" };
    case "looked":
      return update.type === "due" && event.quiet ? { type: "reloading" } : update;
  }
}

/** How often the server is asked for a newer version by itself, and when somebody comes back to the page, in ms. */
export const CHECK_EVERY_MS = 3_600_000;
export const CHECK_PAUSE_MS = 60_000;

/** Whether coming back to the page is a reason to ask again. */
export const mayCheck = (now: number, checkedAt: number, online: boolean): boolean =>
  online && now - checkedAt >= CHECK_PAUSE_MS;
