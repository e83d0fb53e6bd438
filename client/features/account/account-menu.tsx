import { useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { LazyMenu } from "#client/ui/lazy-menu.tsx";
import type { MenuItem } from "#client/ui/lazy-menu.tsx";
import { THEMES, chooseTheme, readTheme } from "#client/ui/theme.ts";
import { words } from "#client/ui/words/words.ts";

/** Who is using Holdfast here, and how it looks to them. */
export function AccountMenu({ onStorage, onShortcuts }: { onStorage: () => void; onShortcuts: () => void }) {
  const { me } = useWorkspace();
  const [theme, setTheme] = useState(readTheme);
  const items = (): MenuItem[] => [
    me.kind === "guest"
      ? { type: "note", title: words.account.guest, text: words.account.guestAbout }
      : { type: "note", title: words.account.account, text: "" },
    { type: "line" },
    ...THEMES.map((one): MenuItem => ({
      type: "action",
      label: words.account.theme[one],
      checked: one === theme,
      onSelect: () => {
        chooseTheme(one);
        setTheme(one);
      },
    })),
    { type: "line" },
    { type: "action", label: words.account.storage, onSelect: onStorage },
    { type: "action", label: words.account.shortcuts, onSelect: onShortcuts },
  ];
  return <LazyMenu icon="person" label={words.account.button} items={items} side="top" />;
}
