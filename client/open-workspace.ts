import { createKeptEdits } from "#client/local-store/kept-edits.ts";
import { readDeviceNotes } from "#client/local-store/device-notes.ts";
import { localStoreName } from "#client/local-store/open-local-store.ts";
import type { BrowserPlatform } from "#client/platform/browser-platform.ts";
import { createMemoryStorage } from "#client/platform/memory-storage.ts";
import { fetchAs } from "#client/platform/fetch-as.ts";
import { createSmallStorage } from "#client/platform/small-storage.ts";
import { steadyClock } from "#client/platform/platform.ts";
import type { OpenSocket } from "#client/platform/platform.ts";
import { openLateSockets } from "#client/platform/late-sockets.ts";
import { openLateRuns } from "#client/runs/late-runs.ts";
import { openAccountControl } from "#client/session/account-control.ts";
import type { AccountControl } from "#client/session/account-control.ts";
import { openLateDevice } from "#client/session/late-device.ts";
import { openLateSnapshots } from "#client/session/late-snapshots.ts";
import { openLateVerifier } from "#client/session/late-verifier.ts";
import { openModelCatalogue } from "#client/session/model-catalogue.ts";
import type { Session } from "#client/session/session.ts";
import { accountOf, rememberDatabase } from "#client/session/wipe-mark.ts";
import type { Workspace } from "#client/session/workspace.ts";
import { openWorkspaceSync } from "#client/sync/open-workspace-sync.ts";
import { createReachedConnectivity } from "#client/sync/reached-connectivity.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { ACCOUNT_PARAMETER, WORKSPACE_PARAMETER } from "#shared/protocol/account-header.ts";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";

/**
 * Asks in the name of this page's account only, whoever the browser is signed in as by now; a refusal is how a page that
 * stays open learns that its session is over.
 */
function inTheNameOf(platform: BrowserPlatform, session: Session): BrowserPlatform {
  const { accountId, workspaceId } = session.me;
  const asked = new URLSearchParams({ [ACCOUNT_PARAMETER]: accountId, [WORKSPACE_PARAMETER]: workspaceId });
  const fetch = fetchAs(platform.fetch, session.me);
  return {
    ...platform,
    openSocket: (path, ...rest) => platform.openSocket(`${path}?${asked}`, ...rest),
    async fetch(input, init) {
      const response = await fetch(input, init);
      // 404 for the feed of a workspace: it is not theirs any more.
      if (response.status === 401 || (response.status === 404 && isFeed(input))) session.check();
      return response;
    },
  };
}

/** ms after the start when notes are looked at again that another tab may have made while this one opened */
const LOOK_AGAIN_MS = 3_000;

async function lookAgain({ accountId }: Me, account: AccountControl): Promise<void> {
  const { wipes, moves } = await readDeviceNotes();
  const isLeaving = wipes.some((wipe) => wipe.accountId === accountId);
  if (isLeaving || moves.some(({ from }) => accountOf(from) === accountId)) account.restart();
}

const isFeed = (input: RequestInfo | URL): boolean => typeof input === "string" && input.startsWith("/api/sync/feed");

/** A socket that is closed for want of a right is how a page that asks nothing learns of it. */
const checkingSession =
  (session: Session, openSocket: OpenSocket): OpenSocket =>
  (path, protocols, events) =>
    openSocket(path, protocols, {
      ...events,
      onClose(code) {
        if (code === CloseCode.unauthenticated || code === CloseCode.forbidden) session.check();
        events.onClose(code);
      },
    });

/** Where texts are kept beside the database: on a shared device in this page alone. */
function openTexts({ sharedDevice }: Me, own: BrowserPlatform) {
  const memory = sharedDevice ? createMemoryStorage() : undefined;
  return {
    smallStorage: memory ? createSmallStorage(() => memory) : own.smallStorage,
    keptEdits: (id: ConversationId) => createKeptEdits(() => memory ?? localStorage, id),
  };
}

/** Opens everything one account needs; all of it ends with the signal. */
export function openWorkspace(own: BrowserPlatform, session: Session, signal: AbortSignal): Workspace {
  const browser = inTheNameOf(own, session);
  const { me } = session;
  const { clock, locks, painting, tabStorage, backgroundDelivery } = browser;
  const texts = openTexts(me, own);
  const { smallStorage, keptEdits } = texts;
  const scope = `${me.accountId}-${me.workspaceId}`;
  if (!me.sharedDevice) rememberDatabase(smallStorage, localStoreName(me.accountId, me.workspaceId));
  const loadSockets = async (): Promise<OpenSocket> => {
    const { openSharedSockets } = await import("#client/platform/shared-sockets.ts");
    return openSharedSockets({ platform: browser, locks, scope }, signal);
  };
  const openSocket = checkingSession(session, openLateSockets(loadSockets));
  const platform = { ...browser, openSocket };
  const { documents, library, sync, commands, store, onLetGo } = openWorkspaceSync(platform, me, signal);
  const account = openAccountControl({ platform: own, session, flush: () => documents.flush() }, signal);
  // Another tab signed out, or is taking a guest's chats to their account: this one starts again as whoever that is.
  // Of a page on a shared device nothing is here that could go.
  if (!me.sharedDevice) {
    onLetGo(account.restart);
    clock.after(LOOK_AGAIN_MS, () => void lookAgain(me, account));
  }
  session.subscribe(() => {
    const status = session.status();
    // Signed in again, on a device that is shared by now: what is here of this account has to go.
    if (status.type === "signed-in" && status.me.sharedDevice && !me.sharedDevice) account.restart();
  });
  const endEdits = (id: ConversationId): void => keptEdits(id).forgetAll();
  const cleanUp = (): void => void store.cleanUpForgotten(endEdits);
  library.onForgotten(endEdits);
  store.onFound(cleanUp);
  void library.ready.then(cleanUp);
  const reached = createReachedConnectivity(platform.connectivity, sync);
  const loadRuns = async () => {
    const { openRuns } = await import("#client/runs/open-runs.ts");
    return openRuns({ platform, reached, locks, painting, commands, documents, smallStorage, scope }, signal);
  };
  const newId = (): string => createUuidV7(clock.now(), platform.randomBytes);
  const loadSnapshots = async () => {
    const { openAccountSnapshots } = await import("#client/session/open-account-snapshots.ts");
    // Reaching the server may be the first that tells that the network is back.
    const reaching = { ...platform, connectivity: reached };
    const parts = { platform: reaching, locks, me, store, library, sync, newId, scope };
    return openAccountSnapshots({ ...parts, documents, runs }, signal);
  };
  const snapshots = openLateSnapshots(loadSnapshots, clock, signal);
  const runs = openLateRuns({ load: loadRuns, clock, connectivity: reached }, signal);
  const waiting = { waits: runs.waits, subscribe: runs.subscribeDeliveries };
  // Not needed before there is something to deliver; without its code the next page that is open delivers.
  import("#client/sync/request-delivery.ts").then(
    ({ requestDelivery }) => requestDelivery(sync, steadyClock(clock), waiting, backgroundDelivery, signal),
    () => undefined,
  );
  if (me.sharedDevice)
    import("#client/session/shared-device.ts").then(
      ({ openSharedDevice }) =>
        openSharedDevice({ platform: own, session, account, sync, runs, commands, keptEdits }, signal),
      () => undefined,
    );
  return {
    me,
    documents,
    library,
    sync,
    runs,
    snapshots,
    models: openModelCatalogue({ platform, smallStorage, me }, signal),
    device: openLateDevice({ store, documents, library, snapshots, sync, clock, smallStorage, me }, signal),
    // The keys are everybody's: whoever the browser is signed in as is not said.
    verifier: openLateVerifier({ fetch: own.fetch, clock, smallStorage, accountId: me.accountId }, signal),
    tabStorage,
    ...texts,
    clock,
    account,
    newId,
  };
}
