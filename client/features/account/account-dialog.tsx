import { useWorkspace } from "#client/session/workspace.ts";
import { Dialog } from "#client/ui/dialog.tsx";
import { accountWords } from "#client/ui/words/account-words.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { ActivitySection } from "./activity-section.tsx";
import { PasskeysSection } from "./passkeys-section.tsx";
import { PasswordSection } from "./password-section.tsx";
import { ProfileSection } from "./profile-section.tsx";
import { ProviderSection } from "./provider-section.tsx";
import { SessionsSection } from "./sessions-section.tsx";
import { TokensSection } from "./tokens-section.tsx";
import "./account.css";

/** Who somebody is, how they sign in, where they are signed in, and what was done with their account. */
export function AccountDialog({ me, onClose }: { me: Me; onClose: () => void }) {
  const { account } = useWorkspace();
  return (
    <Dialog title={accountWords.account.title} onClose={onClose}>
      <ProfileSection me={me} fetch={account.fetch} />
      <PasswordSection fetch={account.fetch} />
      <PasskeysSection fetch={account.fetch} />
      <ProviderSection account={account} />
      <SessionsSection fetch={account.fetch} />
      <TokensSection fetch={account.fetch} />
      <ActivitySection fetch={account.fetch} />
    </Dialog>
  );
}
