import type { SmallStorage } from "#client/platform/small-storage.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { addressOf, launchOf } from "./launch-state.ts";
import type { Launch } from "./launch-state.ts";

const INSTALLED = "(display-mode: standalone), (display-mode: minimal-ui), (display-mode: fullscreen)";

const placeKey = ({ accountId, workspaceId }: Me): string => `holdfast.last-place.${accountId}.${workspaceId}`;

/** Reads what opening this page asks for, once, before anything is shown, and puts the address right. */
export function takeLaunch(me: Me, kept: SmallStorage): Launch {
  const [navigation] = performance.getEntriesByType("navigation");
  const launch = launchOf({
    path: location.pathname,
    search: location.search,
    hash: location.hash,
    installed: matchMedia(INSTALLED).matches,
    opened: (navigation as PerformanceNavigationTiming | undefined)?.type === "navigate",
    lastPlace: kept.read(placeKey(me)),
  });
  const address = addressOf(launch);
  if (address !== undefined) history.replaceState(history.state, "", address);
  return launch;
}

/** Remembers where a person is in the installed app; pages in the browser have an address of their own. */
export function rememberPlace(me: Me, path: string, kept: SmallStorage): void {
  if (matchMedia(INSTALLED).matches) kept.write(placeKey(me), path);
}
