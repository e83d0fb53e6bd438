import { useCallback, useEffect, useRef, useState } from "react";
import { navigate, usePathname } from "wouter/use-browser-location";
import type { PageLink } from "#client/features/account/take-link.ts";
import { AccountButton } from "#client/features/account/account-button.tsx";
import { preloadEarlyEnding } from "#client/features/conversation/run-notice.tsx";
import { LibraryPanel } from "#client/features/library/library-panel.tsx";
import { SyncLine } from "#client/features/sync-status/sync-line.tsx";
import { SyncSign } from "#client/features/sync-status/sync-sign.tsx";
import { WorkspaceContext } from "#client/session/workspace.ts";
import type { Workspace } from "#client/session/workspace.ts";
import { AnnouncerProvider } from "#client/ui/announcer.tsx";
import { IconButton } from "#client/ui/button.tsx";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import { preloadMarkdown } from "#client/ui/markdown/lazy-markdown.tsx";
import { readTheme, showTheme } from "#client/ui/theme.ts";
import { ToastProvider } from "#client/ui/toast.tsx";
import { useMedia } from "#client/ui/use-media.ts";
import { words } from "#client/ui/words/words.ts";
import { parseConversationId } from "#shared/domain/ids.ts";
import { ChatPage } from "./chat-page.tsx";
import { useNewChat } from "./new-chat.ts";
import type { Launch } from "./launch-state.ts";
import { useLaunch } from "./use-launch.ts";
import { useMe } from "./use-me.ts";
import { SnapshotPages } from "./snapshot-pages.tsx";
import { Trash } from "./trash.tsx";
import { useShortcuts } from "./use-shortcuts.ts";
import { useUpdates } from "./use-updates.ts";
import "#client/ui/tokens.css";
import "#client/ui/base.css";
import "./app.css";

const shortcutsDialog = lazyPart(async () => (await import("./shortcuts-dialog.tsx")).ShortcutsDialog);
const storageDialog = lazyPart(
  async () => (await import("#client/features/sync-status/storage-dialog.tsx")).StorageDialog,
);
const workspacesDialog = lazyPart(
  async () => (await import("#client/features/workspace/workspaces-dialog.tsx")).WorkspacesDialog,
);
const snapshotList = lazyPart(async () => (await import("#client/features/snapshots/snapshot-list.tsx")).SnapshotList);
const linkDialog = lazyPart(async () => (await import("#client/features/account/link-dialog.tsx")).LinkDialog);
const PLAIN: Launch = { type: "plain" };

/** Where the library lies over the chat as a sheet; the same width stands in app.css. */
const NARROW = "(max-width: 800px)";

showTheme(readTheme());

interface AppProps {
  workspace: Workspace;
  /** what opening the page asked for */
  launch?: Launch;
  /** the link that opened the page */
  link?: PageLink | undefined;
}

/** The whole app over one open workspace. */
export function App({ workspace, launch = PLAIN, link }: AppProps) {
  return (
    <WorkspaceContext value={workspace}>
      <AnnouncerProvider>
        <ToastProvider>
          <Frame launch={launch} openedBy={link} />
        </ToastProvider>
      </AnnouncerProvider>
    </WorkspaceContext>
  );
}

function Frame({ launch, openedBy }: { launch: Launch; openedBy: PageLink | undefined }) {
  const me = useMe();
  const [link, setLink] = useState(openedBy);
  const [sheet, setSheet] = useState(false);
  const narrow = useMedia(NARROW);
  const [shortcuts, setShortcuts] = useState(false);
  const [storage, setStorage] = useState(false);
  const [workspaces, setWorkspaces] = useState(false);
  const openLibrary = useRef<HTMLButtonElement>(null);
  const searchBox = useRef<HTMLInputElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const takeSnapshot = useRef<() => void>(undefined);
  const onTakeable = useCallback((take: (() => void) | undefined) => void (takeSnapshot.current = take), []);
  const page = useChatPages(field, () => setSheet(false), launch.type === "share");
  useEffect(() => {
    preloadMarkdown();
    preloadEarlyEnding();
  }, []);
  const openSheet = (): void => {
    setSheet(true);
    requestAnimationFrame(() => searchBox.current?.focus());
  };
  useLaunch(launch, { newId: page.newId, location: page.location, openSearch: openSheet });
  useUpdates();
  useShortcuts((shortcut) => {
    if (shortcut === "shortcuts") setShortcuts(true);
    if (shortcut === "new-chat") page.startNewChat();
    if (shortcut === "search") openSheet();
    if (shortcut === "take-snapshot") takeSnapshot.current?.();
  });
  const closeSheet = useCallback(() => {
    setSheet(false);
    requestAnimationFrame(() => openLibrary.current?.focus());
  }, []);

  useEffect(() => {
    if (!sheet) return;
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && !event.defaultPrevented) closeSheet();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [sheet, closeSheet]);

  const leading = (
    <>
      <IconButton
        ref={openLibrary}
        className="open-library"
        icon="menu"
        label={words.app.openLibrary}
        aria-expanded={sheet}
        onClick={openSheet}
      />
      {narrow && <SyncSign onOpen={openSheet} />}
    </>
  );
  return (
    <div className="frame" data-sheet={sheet || undefined}>
      <nav className="library" aria-label={words.app.library}>
        <LibraryPanel
          currentId={page.currentId}
          workspaceName={me.workspaceName}
          isGuest={me.role === "guest"}
          searchBox={searchBox}
          onNewChat={page.startNewChat}
          renderSnapshots={(query, place) => (
            <snapshotList.Part {...place} query={query} currentId={page.snapshotId} isGuest={me.role === "guest"} />
          )}
          onOpen={() => setSheet(false)}
          onClose={closeSheet}
          foot={
            <>
              <SyncLine />
              <AccountButton
                me={me}
                onStorage={() => setStorage(true)}
                onShortcuts={() => setShortcuts(true)}
                onWorkspaces={() => setWorkspaces(true)}
                onLeave={() => setSheet(false)}
              />
            </>
          }
        />
      </nav>
      {sheet && <div className="sheet-veil" aria-hidden="true" onClick={closeSheet} />}
      <main className="chat" inert={sheet && narrow}>
        {page.isTrash ? (
          <Trash leading={leading} isGuest={me.role === "guest"} onClose={page.startNewChat} />
        ) : isSnapshotPath(page.location) || page.id === undefined ? (
          <SnapshotPages
            path={page.location}
            leading={leading}
            isGuest={me.role === "guest"}
            onNewChat={page.startNewChat}
          />
        ) : (
          <ChatPage
            id={page.id}
            isNew={page.isNew}
            isGuest={me.role === "guest"}
            leading={leading}
            field={field}
            onTakeable={onTakeable}
            onFirstSend={page.onFirstSend}
            onSpent={page.onSpent}
            onNewChat={page.startNewChat}
          />
        )}
      </main>
      {link && <linkDialog.Part link={link} onClose={() => setLink(undefined)} />}
      {shortcuts && <shortcutsDialog.Part onClose={() => setShortcuts(false)} />}
      {workspaces && <workspacesDialog.Part onClose={() => setWorkspaces(false)} />}
      {storage && <storageDialog.Part onClose={() => setStorage(false)} />}
    </div>
  );
}

const CHATS = "/c/";
const SNAPSHOTS = "/snapshots/";

const isSnapshotPath = (path: string): boolean =>
  path.startsWith(SNAPSHOTS) || path.startsWith("/compare/") || path === "/verify";

/** What the address names: `/` is a new chat, `/c/:id` a known one; `/trash` and the pages of snapshots are no chat. */
function useChatPages(field: React.RefObject<HTMLTextAreaElement | null>, onLeave: () => void, another: boolean) {
  const location = usePathname();
  const { id: newId, renew } = useNewChat(another);
  const isNew = location === "/";
  const id = isNew ? newId : location.startsWith(CHATS) ? parseConversationId(location.slice(CHATS.length)) : undefined;

  const focusSoon = useCallback(() => requestAnimationFrame(() => field.current?.focus()), [field]);
  return {
    id,
    isNew,
    newId,
    location,
    isTrash: location === "/trash",
    currentId: id,
    snapshotId: location.startsWith(SNAPSHOTS) ? location.slice(SNAPSHOTS.length) : undefined,
    startNewChat: () => {
      if (isNew && (field.current?.value ?? "") !== "") renew();
      onLeave();
      navigate("/");
      focusSoon();
    },
    onFirstSend: () => navigate(`/c/${newId}`),
    onSpent: renew,
  };
}
