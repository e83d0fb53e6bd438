import { useState } from "react";
import { IconButton } from "#client/ui/button.tsx";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import { words } from "#client/ui/words/words.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";

export interface AccountMenuProps {
  /** who somebody is by the server's last word: a browser that was killed may remember an account as the guest it was */
  me: Me;
  onStorage: () => void;
  onShortcuts: () => void;
  onWorkspaces: () => void;
}

const menu = lazyPart(async () => (await import("./account-menu.tsx")).AccountMenu);

/** The button of the account menu, whose code is loaded when a person first comes near it. */
export function AccountButton(props: AccountMenuProps) {
  const [wanted, setWanted] = useState(false);
  const button = (
    <IconButton
      icon="person"
      label={words.account}
      aria-haspopup="menu"
      aria-expanded={false}
      onPointerEnter={menu.preload}
      onFocus={menu.preload}
      onClick={() => setWanted(true)}
    />
  );
  return wanted ? <menu.Part {...props} meanwhile={button} onClose={() => setWanted(false)} /> : button;
}
