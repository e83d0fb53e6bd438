import { lazyPart } from "#client/ui/lazy-part.tsx";
import { MenuButton } from "#client/ui/menu-button.tsx";
import { words } from "#client/ui/words/words.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";

export interface AccountMenuProps {
  /** who somebody is by the server's last word: a browser that was killed may remember an account as the guest it was */
  me: Me;
  onStorage: () => void;
  onShortcuts: () => void;
  onWorkspaces: () => void;
  /** another page was chosen */
  onLeave: () => void;
}

const menu = lazyPart(async () => (await import("./account-menu.tsx")).AccountMenu);

/** The button of the account menu. */
export function AccountButton(props: AccountMenuProps) {
  return (
    <MenuButton icon="person" label={words.account} onNear={menu.preload}>
      {(place) => <menu.Part {...props} {...place} />}
    </MenuButton>
  );
}
