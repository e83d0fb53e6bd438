import { useWorkspace } from "#client/session/workspace.ts";
import { useWatched } from "#client/ui/use-watched.ts";

/** Whether the server can be reached, as far as this page knows. */
export function useOnline(): boolean {
  const { sync } = useWorkspace();
  return useWatched(sync, () => sync.online());
}
