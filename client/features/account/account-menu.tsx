import { useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { LazyMenu } from "#client/ui/lazy-menu.tsx";
import type { MenuItem } from "#client/ui/lazy-menu.tsx";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import type { AccountMenuProps } from "./account-button.tsx";
import { THEMES, chooseTheme, readTheme } from "#client/ui/theme.ts";
import { words } from "#client/ui/words/words.ts";

const signInDialog = lazyPart(async () => (await import("./sign-in-dialog.tsx")).SignInDialog);
const accountDialog = lazyPart(async () => (await import("./account-dialog.tsx")).AccountDialog);
const signOutDialog = lazyPart(async () => (await import("./sign-out-dialog.tsx")).SignOutDialog);

type Opened = "sign-in" | "account" | "sign-out";

const action = (label: string, onSelect: () => void): MenuItem => ({ type: "action", label, onSelect });

/** Who is using Holdfast here, and how it looks to them. */
export function AccountMenu({ onStorage, onShortcuts, onWorkspaces }: AccountMenuProps & { onClose: () => void }) {
  const { me, account } = useWorkspace();
  const [theme, setTheme] = useState(readTheme);
  const [opened, setOpened] = useState<Opened>();
  const close = (): void => setOpened(undefined);
  const own = (): MenuItem[] =>
    me.kind === "guest"
      ? [
          { type: "note", title: words.account.guest, text: words.account.guestAbout },
          action(words.account.signIn, () => setOpened("sign-in")),
        ]
      : [
          {
            type: "note",
            title: me.name || (me.email ?? words.account.account),
            text: me.name ? (me.email ?? "") : "",
          },
          action(words.account.settings, () => setOpened("account")),
          action(words.account.workspaces, onWorkspaces),
          action(words.account.signOut, () => setOpened("sign-out")),
        ];
  const items = (): MenuItem[] => [
    ...own(),
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
    action(words.account.storage, onStorage),
    action(words.account.shortcuts, onShortcuts),
  ];
  return (
    <>
      <LazyMenu icon="person" label={words.account.button} items={items} side="top" startsOpen />
      {opened === "sign-in" && <signInDialog.Part account={account} onClose={close} />}
      {opened === "account" && <accountDialog.Part onClose={close} />}
      {opened === "sign-out" && <signOutDialog.Part onClose={close} />}
    </>
  );
}
