import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "#client/app/app.tsx";
import { takeLaunch } from "#client/app/launch.ts";
import { keptEditsOf } from "#client/local-store/kept-edits.ts";
import { openBrowserPlatform } from "#client/platform/browser-platform.ts";
import { openLateRuns } from "#client/runs/late-runs.ts";
import { openLateDevice } from "#client/session/late-device.ts";
import { openModelCatalogue } from "#client/session/model-catalogue.ts";
import { openSession } from "#client/session/session.ts";
import type { FirstContactFailure, Session } from "#client/session/session.ts";
import type { Workspace } from "#client/session/workspace.ts";
import { openWorkspaceSync } from "#client/sync/open-workspace-sync.ts";
import { createReachedConnectivity } from "#client/sync/reached-connectivity.ts";
import { requestDelivery } from "#client/sync/request-delivery.ts";
import type { BrowserPlatform } from "#client/platform/browser-platform.ts";
import { steadyClock } from "#client/platform/platform.ts";
import { openSharedSockets } from "#client/platform/shared-sockets.ts";
import { fetchAs } from "#client/platform/fetch-as.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { assert } from "#shared/lib/assert.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { ACCOUNT_PARAMETER } from "#shared/protocol/account-header.ts";
import { BootFailureScreen } from "./boot-failure.tsx";
import type { BootFailure } from "./boot-failure.tsx";
import { reportBug, reportUncaught } from "./boot-report.ts";
import { SessionNotice } from "./boot-session-notice.tsx";
import "./boot.css";

const FAILURES: Record<FirstContactFailure, BootFailure> = {
  unreachable: "offline",
  "no-cookies": "unavailable",
  "not-understood": "failed",
};

const element = document.getElementById("root");
assert(element, "the page has a root");
const root = createRoot(element, {
  onUncaughtError(error) {
    reportBug("rendering", error);
    // React has taken everything off the page; words are better than nothing.
    queueMicrotask(() => showFailure("failed"));
  },
});
const page = new AbortController();

/**
 * Asks in the name of this page's account only, whoever the browser is signed in as by now; a refusal is how a page that
 * stays open learns that its session is over.
 */
function inTheNameOf(platform: BrowserPlatform, session: Session): BrowserPlatform {
  const { accountId } = session.me;
  return {
    ...platform,
    openSocket: (path, ...rest) => platform.openSocket(`${path}?${ACCOUNT_PARAMETER}=${accountId}`, ...rest),
    async fetch(input, init) {
      const response = await fetchAs(platform.fetch, accountId)(input, init);
      if (response.status === 401) session.check();
      return response;
    },
  };
}

const endEdits = (id: ConversationId): void => keptEditsOf(id).forgetAll();

/** Opens everything one account needs; all of it ends with the signal. */
function openWorkspace(browser: BrowserPlatform, session: Session, signal: AbortSignal): Workspace {
  const { me } = session;
  const { clock, locks, painting, smallStorage, backgroundDelivery } = browser;
  const scope = `${me.accountId}-${me.workspaceId}`;
  const platform = { ...browser, openSocket: openSharedSockets({ platform: browser, locks, scope }, signal) };
  const { documents, library, sync, commands, store } = openWorkspaceSync(platform, me, signal);
  const cleanUp = (): void => void store.cleanUpForgotten(endEdits);
  library.onForgotten(endEdits);
  store.onFound(cleanUp);
  void library.ready.then(cleanUp);
  const reached = createReachedConnectivity(platform.connectivity, sync);
  const loadRuns = async () => {
    const { openRuns } = await import("#client/runs/open-runs.ts");
    return openRuns({ platform, reached, locks, painting, commands, documents, smallStorage, scope }, signal);
  };
  const runs = openLateRuns({ load: loadRuns, clock, connectivity: reached }, signal);
  const waiting = { waits: runs.waits, subscribe: runs.subscribeDeliveries };
  requestDelivery(sync, steadyClock(clock), waiting, backgroundDelivery, signal);
  return {
    me,
    documents,
    library,
    sync,
    runs,
    models: openModelCatalogue({ platform, smallStorage, me }, signal),
    device: openLateDevice({ store, documents, library, sync, clock, smallStorage }, signal),
    clock,
    newId: () => createUuidV7(clock.now(), platform.randomBytes),
  };
}

function showFailure(failure: BootFailure): void {
  root.render(<BootFailureScreen failure={failure} onAgain={() => location.reload()} />);
}

async function boot(signal: AbortSignal): Promise<void> {
  const platform = openBrowserPlatform(signal);
  const { locks, smallStorage, writeCookies } = platform;
  const session = await openSession({ platform, locks, smallStorage, writeCookies }, signal);
  if (!session.ok) return showFailure(FAILURES[session.failure]);
  const workspace = openWorkspace(inTheNameOf(platform, session.value), session.value, signal);
  root.render(
    <StrictMode>
      <SessionNotice
        session={session.value}
        onRenewed={() => void workspace.documents.flush().finally(() => location.reload())}
      />
      <App workspace={workspace} launch={takeLaunch(workspace.me)} />
    </StrictMode>,
  );
}

reportUncaught(page.signal);
boot(page.signal).catch((error: unknown) => {
  reportBug("opening", error);
  showFailure("failed");
});
