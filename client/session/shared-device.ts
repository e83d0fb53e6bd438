import type { KeptEdits } from "#client/local-store/kept-edits.ts";
import type { RunCommands } from "#client/local-store/open-run-commands.ts";
import type { BrowserPlatform } from "#client/platform/browser-platform.ts";
import type { Runs } from "#client/runs/runs.ts";
import type { SyncState } from "#client/sync/sync-status.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { AccountControl } from "./account-control.ts";
import { browserTraces } from "./browser-traces.ts";
import { emptyDevice } from "./empty-device.ts";
import type { Session } from "./session.ts";

/** ms between two signs of life: the session is over half an hour after the last one */
const LIFE_MS = 5 * 60_000;
/** ms until what could not be sent is tried again */
const AGAIN_MS = 15_000;

interface SharedDeviceParts {
  platform: BrowserPlatform;
  session: Session;
  account: Pick<AccountControl, "restart">;
  sync: Pick<SyncState, "status">;
  runs: Pick<Runs, "waits">;
  commands: RunCommands;
  keptEdits(id: ConversationId): KeptEdits;
}

/** What a page does on a shared device besides: keeps its session alive, empties the device, and leaves nothing on the screen. */
export function openSharedDevice(parts: SharedDeviceParts, signal: AbortSignal): void {
  const { platform, session, account, sync, runs } = parts;
  const { clock, locks } = platform;

  const every = (ms: number, work: () => void): void => {
    const stop = clock.after(ms, () => {
      work();
      every(ms, work);
    });
    signal.addEventListener("abort", stop, { once: true });
  };
  every(LIFE_MS, () => session.check());

  async function empty(): Promise<void> {
    const isEmpty = await emptyDevice({ ...parts, locks, traces: browserTraces, me: session.me }, signal);
    if (!isEmpty && !signal.aborted) clock.after(AGAIN_MS, () => void empty());
  }
  void empty();

  /** Whether anything is in this window alone. */
  const isUnsaved = (): boolean => {
    const { type } = sync.status();
    return type === "saving" || type === "cannot-save" || runs.waits();
  };
  const ask = (event: BeforeUnloadEvent): void => {
    if (isUnsaved()) event.preventDefault();
  };
  addEventListener("beforeunload", ask, { signal });
  // Somebody signed out in another window, or was away for long: their chats do not stay in this one.
  const stop = session.subscribe(() => {
    const { type } = session.status();
    if ((type === "ended" || type === "other-account") && !isUnsaved()) account.restart();
  });
  signal.addEventListener("abort", stop, { once: true });
}
