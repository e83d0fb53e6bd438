import { StrictMode } from "react";
import type { ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "#client/app/app.tsx";
import { takeLaunch } from "#client/app/launch.ts";
import { takeLink } from "#client/features/account/take-link.ts";
import { openBrowserPlatform } from "#client/platform/browser-platform.ts";
import type { BrowserPlatform } from "#client/platform/browser-platform.ts";
import { openSession } from "#client/session/session.ts";
import type { FirstContactFailure, Session } from "#client/session/session.ts";
import { settleDevice } from "#client/session/settle-device.ts";
import type { Workspace } from "#client/session/workspace.ts";
import { assert } from "#shared/lib/assert.ts";
import { BootFailureScreen } from "./boot-failure.tsx";
import type { BootFailure } from "./boot-failure.tsx";
import { reportBug, reportUncaught } from "./boot-report.ts";
import { openWorkspace } from "./open-workspace.ts";
import "./boot.css";

const FAILURES: Record<Exclude<FirstContactFailure, "signed-out">, BootFailure> = {
  unreachable: "offline",
  "no-cookies": "unavailable",
  "nothing-kept": "shared",
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
const link = takeLink();

function showFailure(failure: BootFailure): void {
  root.render(<BootFailureScreen failure={failure} onAgain={() => location.reload()} />);
}

/** The app, and beside it what there is to say of the session, whose code is loaded once there is something. */
function showApp(workspace: Workspace, session: Session): void {
  const launch = takeLaunch(workspace.me, workspace.smallStorage);
  const render = (notice?: ReactNode): void =>
    root.render(
      <StrictMode>
        {notice}
        <App workspace={workspace} launch={launch} link={link} />
      </StrictMode>,
    );
  const stop = session.subscribe(() => {
    if (session.status().type === "signed-in") return;
    stop();
    import("./boot-session-notice.tsx").then(
      ({ SessionNotice }) => render(<SessionNotice session={session} account={workspace.account} />),
      (error: unknown) => reportBug("telling of the session", error),
    );
  });
  render();
}

async function showSignIn(platform: BrowserPlatform): Promise<void> {
  const { SignInScreen } = await import("#client/features/account/sign-in-screen.tsx");
  root.render(<SignInScreen platform={platform} link={link} />);
}

async function boot(signal: AbortSignal): Promise<void> {
  const platform = openBrowserPlatform(signal);
  const device = await settleDevice(platform, signal);
  if (!device.mayAsk) return await showSignIn(platform);
  const session = await openSession({ ...platform, platform }, signal);
  if (!session.ok)
    return session.failure === "signed-out" ? await showSignIn(platform) : showFailure(FAILURES[session.failure]);
  // An account that is still to leave this device would be taken off it while it is open.
  const { accountId, sharedDevice } = session.value.me;
  if (!sharedDevice && !(await device.welcome(accountId))) return showFailure("failed");
  showApp(openWorkspace(platform, session.value, signal), session.value);
}

reportUncaught(page.signal);
boot(page.signal).catch((error: unknown) => {
  reportBug("opening", error);
  showFailure("failed");
});
