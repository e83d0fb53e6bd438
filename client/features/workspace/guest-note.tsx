import type { ReactNode } from "react";
import { askServer } from "#client/session/account-requests.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { Failed } from "#client/ui/failed.tsx";
import { useAsking } from "#client/ui/use-asking.ts";
import { workspaceWords } from "#client/ui/words/workspace-words.ts";
import { workspacesSchema } from "#shared/protocol/workspace-bodies.ts";
import "./guest-note.css";

const said = workspaceWords.guest;

interface GuestNoteProps {
  /** of a page of its own; without it, it stands where others write */
  leading?: ReactNode;
  onClose: () => void;
}

/** Says to a guest of a team why there is no place to write, and leads to where there is one. */
export function GuestNote({ leading }: GuestNoteProps) {
  const { asking, open } = useOwnWorkspace();
  const isPage = leading !== undefined;
  const way = (
    <>
      <Button look={isPage ? "primary" : "soft"} disabled={asking.type === "busy"} onClick={() => void open()}>
        {said.action}
      </Button>
      <Failed asking={asking} />
    </>
  );
  if (!isPage) {
    return (
      <div className="guest-note">
        <p>{said.note}</p>
        {way}
      </div>
    );
  }
  return (
    <>
      <div className="chat-header">{leading}</div>
      <div className="blank">
        <h1>{said.title}</h1>
        <p>{said.about}</p>
        {way}
      </div>
    </>
  );
}

/** The way to the account's personal workspace. */
function useOwnWorkspace() {
  const { account } = useWorkspace();
  const { asking, ask } = useAsking();
  const open = async (): Promise<void> => {
    const read = () => askServer(account.fetch, "GET", "/api/workspaces", { answer: workspacesSchema });
    const listed = await ask(read);
    const own = listed?.ok ? listed.value.workspaces.find(({ kind }) => kind === "personal") : undefined;
    if (own) await account.switchTo(own);
  };
  return { asking, open };
}
