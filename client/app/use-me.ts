import { useEffect } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { useWatched } from "#client/ui/use-watched.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";

/** Who somebody is here by the server's last word: what they may do in a workspace changes while it is open. */
export function useMe(): Me {
  const { me, account, sync } = useWorkspace();
  const { session } = account;
  const refused = useWatched(sync, () => sync.status().type === "refused");
  useEffect(() => {
    if (refused) session.check();
  }, [refused, session]);
  return useWatched(session, () => {
    const status = session.status();
    return "me" in status && status.me.accountId === me.accountId ? status.me : me;
  });
}
