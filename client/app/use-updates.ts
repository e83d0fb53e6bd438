import { useEffect } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { useToast } from "#client/ui/toast.tsx";
import { whenIdle } from "#client/ui/when-idle.ts";

/** Keeps this page up to date with the app, once it has nothing else to do. */
export function useUpdates(): void {
  const workspace = useWorkspace();
  const toast = useToast();
  useEffect(() => {
    const ending = new AbortController();
    const open = async (): Promise<void> => {
      const { keepUp } = await import("./keep-up.ts");
      if (!ending.signal.aborted) keepUp(workspace, toast, ending.signal);
    };
    // Without its code, this page stays what it is; the next one tries again.
    const cancel = whenIdle(() => void open().catch(() => undefined));
    return () => {
      cancel();
      ending.abort();
    };
  }, [workspace, toast]);
}
