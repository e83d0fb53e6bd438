import { isClientRoute } from "#shared/protocol/client-routes.ts";
import { parseSharedText } from "#shared/protocol/share-target.ts";

/** What opening the page asks for, besides the page that its address names. */
export type Launch =
  | { type: "plain" }
  /** the installed app was opened: on with where a person left it */
  | { type: "resume"; path: string }
  /** the system's shortcuts of the installed app */
  | { type: "new-chat" }
  | { type: "search" }
  /** another app shared a text */
  | { type: "share"; text: string };

export interface LaunchFacts {
  path: string;
  /** the query, with its `?` */
  search: string;
  /** the fragment, with its `#` */
  hash: string;
  /** the page is in a window of the installed app */
  installed: boolean;
  /** the page was opened, not loaded again or come back to */
  opened: boolean;
  /** where a person last was in the installed app */
  lastPlace: string | undefined;
}

/** What opening the page asks for. Only `/` can be asked for more than itself. */
export function launchOf({ path, search, hash, installed, opened, lastPlace }: LaunchFacts): Launch {
  if (path !== "/") return { type: "plain" };
  const text = parseSharedText(hash);
  if (text !== undefined) return { type: "share", text };
  const asked = new URLSearchParams(search);
  if (asked.has("search")) return { type: "search" };
  if (asked.has("new")) return { type: "new-chat" };
  const elsewhere = lastPlace !== undefined && lastPlace !== "/" && isClientRoute(lastPlace);
  return installed && opened && elsewhere ? { type: "resume", path: lastPlace } : { type: "plain" };
}

/** The address to show for a launch. A shared text stays in it until it is in a draft on this device. */
export function addressOf(launch: Launch): string | undefined {
  switch (launch.type) {
    case "plain":
    case "share":
      return undefined;
    case "resume":
      return launch.path;
    case "new-chat":
    case "search":
      return "/";
  }
}
