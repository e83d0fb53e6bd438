import { useState } from "react";
import type { KeyboardEvent } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { words } from "#client/ui/words/words.ts";

const TABS = ["conversations", "snapshots"] as const;
type LibraryTab = (typeof TABS)[number];
const KEY = "holdfast.library-tab";

/** Which list of the library is shown; this device remembers it. */
export function useLibraryTab(): { tab: LibraryTab; setTab: (tab: LibraryTab) => void } {
  const { smallStorage } = useWorkspace();
  const [tab, setTab] = useState<LibraryTab>(() => TABS.find((one) => one === smallStorage.read(KEY)) ?? TABS[0]);
  return {
    tab,
    setTab(next) {
      smallStorage.write(KEY, next);
      setTab(next);
    },
  };
}

interface LibraryTabsProps {
  tab: LibraryTab;
  onChoose: (tab: LibraryTab) => void;
}

/** Chooses between the lists of the library; the arrow keys go from one to the next. */
export function LibraryTabs({ tab, onChoose }: LibraryTabsProps) {
  const onKey = (event: KeyboardEvent<HTMLElement>): void => {
    const isEnd = event.key === "Home" || event.key === "End";
    if (!isEnd && event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    const next = TABS.find((one) => (isEnd ? one === TABS.at(event.key === "Home" ? 0 : -1) : one !== tab));
    if (next === undefined) return;
    onChoose(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div className="library-tabs" role="tablist" aria-label={words.library.tabs}>
      {TABS.map((one) => (
        <button
          key={one}
          id={`tab-${one}`}
          type="button"
          role="tab"
          aria-selected={one === tab}
          aria-controls="library-list"
          tabIndex={one === tab ? 0 : -1}
          onClick={() => onChoose(one)}
          onKeyDown={onKey}
        >
          {words.library[one]}
        </button>
      ))}
    </div>
  );
}
