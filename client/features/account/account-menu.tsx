import { accountMenuWords } from "#client/ui/words/account-menu-words.ts";
import { useState } from "react";
import { navigate } from "wouter/use-browser-location";
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
export function AccountMenu({
  me,
  onStorage,
  onShortcuts,
  onWorkspaces,
  onLeave,
}: AccountMenuProps & { onClose: () => void }) {
  const { account } = useWorkspace();
  const [theme, setTheme] = useState(readTheme);
  const [opened, setOpened] = useState<Opened>();
  const close = (): void => setOpened(undefined);
  const own = (): MenuItem[] =>
    me.kind === "guest"
      ? [
          { type: "note", title: accountMenuWords.guest, text: accountMenuWords.guestAbout },
          action(accountMenuWords.signIn, () => setOpened("sign-in")),
        ]
      : [
          {
            type: "note",
            title: me.name || (me.email ?? accountMenuWords.account),
            text: me.name ? (me.email ?? "") : "",
          },
          action(accountMenuWords.settings, () => setOpened("account")),
          action(accountMenuWords.workspaces, onWorkspaces),
          action(accountMenuWords.signOut, () => setOpened("sign-out")),
        ];
  const items = (): MenuItem[] => [
    ...own(),
    { type: "line" },
    ...THEMES.map((one): MenuItem => ({
      type: "action",
      label: accountMenuWords.theme[one],
      checked: one === theme,
      onSelect: () => {
        chooseTheme(one);
        setTheme(one);
      },
    })),
    { type: "line" },
    action(accountMenuWords.verify, () => {
      onLeave();
      navigate("/verify");
    }),
    action(accountMenuWords.storage, onStorage),
    action(accountMenuWords.shortcuts, onShortcuts),
  ];
  return (
    <>
      <LazyMenu icon="person" label={words.account} items={items} side="top" startsOpen />
      {opened === "sign-in" && <signInDialog.Part account={account} onClose={close} />}
      {opened === "account" && <accountDialog.Part me={me} onClose={close} />}
      {opened === "sign-out" && <signOutDialog.Part onClose={close} />}
    </>
  );
}
