import { useEffect, useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { Jwks } from "#shared/provenance/signing-keys.ts";
import type { MarksState } from "./answer-marks-state.ts";

const CHECKING: MarksState = { type: "checking" };

/**
 * Who wrote the answers, once the page is shown; looked at again when the network is back, which may bring keys.
 * @param ownKeys keys that came with the content, to be checked by in place of this server's
 */
export function useAnswerMarks(content: FrozenContent, ownKeys: Jwks | undefined): MarksState {
  const { verifier, sync } = useWorkspace();
  const [shown, setShown] = useState({ content, ownKeys, state: CHECKING });
  useEffect(() => {
    let left = false;
    let wasOnline = sync.online();
    const show = (state: MarksState): void => {
      if (!left) setShown({ content, ownKeys, state });
    };
    const mark = async (): Promise<void> => {
      const checks = await verifier().catch(() => undefined);
      if (checks === undefined) show({ type: "failed" });
      else if (ownKeys) show(await checks.markBy(content, ownKeys));
      else await checks.markAnswers(content, show);
    };
    const stop = sync.subscribe(() => {
      const isBack = sync.online() && !wasOnline;
      wasOnline = sync.online();
      if (isBack) void mark();
    });
    void mark();
    return () => {
      left = true;
      stop();
    };
  }, [verifier, sync, content, ownKeys]);
  return shown.content === content && shown.ownKeys === ownKeys ? shown.state : CHECKING;
}
