import { useEffect, useRef, useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { workspaceWords } from "#client/ui/words/workspace-words.ts";
import type { WorkspaceEntry } from "#shared/protocol/workspace-bodies.ts";

const said = workspaceWords.list;

interface WorkspaceListProps {
  workspaces: readonly WorkspaceEntry[];
  /** the one that was managed a moment ago: the focus goes back to it */
  cameFrom: string | undefined;
  onManage: (id: string) => void;
}

/** Every workspace of the account, the personal one first. */
export function WorkspaceList({ workspaces, cameFrom, onManage }: WorkspaceListProps) {
  const { me, account } = useWorkspace();
  const [opening, setOpening] = useState<string>();
  const back = useRef<HTMLButtonElement>(null);
  useEffect(() => back.current?.focus(), []);
  const open = (entry: WorkspaceEntry): void => {
    setOpening(entry.id);
    void account.switchTo(entry);
  };
  return (
    <ul className="workspaces">
      {workspaces.map((entry) => {
        const { id, kind, role } = entry;
        const name = kind === "personal" ? said.personal : entry.name;
        return (
          <li key={id} data-open={id === me.workspaceId || undefined}>
            <span className="workspaces-name">
              <span dir="auto">{name}</span>
              <span className="form-hint">
                {kind === "personal" ? said.personalAbout : workspaceWords.roles[role].name}
              </span>
            </span>
            <span className="workspaces-actions">
              {id === me.workspaceId ? (
                <span className="workspaces-mark">{said.openNow}</span>
              ) : (
                <Button
                  look="soft"
                  aria-label={said.openNamed(name)}
                  disabled={opening !== undefined}
                  onClick={() => open(entry)}
                >
                  {opening === id ? said.opening : said.open}
                </Button>
              )}
              {kind === "team" && (
                <Button
                  ref={id === cameFrom ? back : null}
                  aria-label={said.manageNamed(name)}
                  onClick={() => onManage(id)}
                >
                  {said.manage}
                </Button>
              )}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
