import type { BrowserPlatform } from "#client/platform/browser-platform.ts";
import { fetchAs } from "#client/platform/fetch-as.ts";
import type { WorkspaceRole } from "#shared/domain/workspace.ts";
import { rememberedMe } from "./remembered-me.ts";
import type { Session } from "./session.ts";

/** What a person does with who they are here. Each starts the page again, as whoever they are then. */
export interface AccountControl {
  session: Session;
  /** asks in the name of the account of this page, in its workspace */
  fetch: typeof fetch;
  /** asks as whoever the browser is signed in as by now */
  rawFetch: typeof fetch;
  /** Somebody signed in, or became an account, by `rawFetch`: the page starts again as them. */
  changed(): void;
  /** Takes the account off this device and ends its session, at once or when the network is back. */
  signOut(): Promise<void>;
  /** Goes to another workspace of the account. */
  switchTo(workspace: { id: string; role: WorkspaceRole; name?: string }): Promise<void>;
  /** Starts the page again as whoever the browser is signed in as; a guest who became an account takes all along. */
  restart(): void;
}

interface AccountControlParts {
  platform: BrowserPlatform;
  session: Session;
  /** stores what is in memory only */
  flush: () => Promise<void>;
}

export function openAccountControl(parts: AccountControlParts, signal: AbortSignal): AccountControl {
  const { platform, session, flush } = parts;
  const { me } = session;
  const memory = rememberedMe(platform);
  let leaving = false;

  async function restart(): Promise<void> {
    await flush();
    const status = session.status();
    const now = "me" in status ? status.me : me;
    if (status.type === "became") {
      const { noteMove } = await import("./change-account.ts");
      await noteMove(platform, me, now, signal);
    }
    if (now !== me) memory.write(now);
    // The address may name a chat of the account before.
    location.replace("/");
  }

  async function changed(): Promise<void> {
    await session.checked();
    const status = session.status();
    // A browser that is killed in the next half minute would not know the new session, which a shared one is not to.
    if (!("me" in status && status.me.sharedDevice)) platform.writeCookies();
    // On a shared device what is not saved yet is in this window alone: with a session again it goes on from here.
    if (me.sharedDevice && status.type !== "other-account") return;
    // The account may be the one of before, with a session again.
    void restart();
  }

  return {
    session,
    fetch: fetchAs(platform.fetch, me),
    rawFetch: platform.fetch,
    changed: () => void changed(),
    async signOut() {
      leaving = true;
      const { leaveDevice } = await import("./change-account.ts");
      await leaveDevice(platform, me, signal);
      location.replace("/");
    },
    async switchTo({ id, role, name }) {
      await flush();
      memory.write({ ...me, workspaceId: id, role, workspaceName: name });
      // What the page showed before must not come back with the browser's Back button after somebody signed out.
      location.replace("/");
    },
    restart: () => {
      if (!leaving) void restart();
    },
  };
}
