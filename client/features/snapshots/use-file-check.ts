import { useCallback, useRef, useState } from "react";
import type { Verifier } from "#client/session/verifier.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { startOf } from "./verify-file-state.ts";
import type { FileCheck } from "./verify-file-state.ts";

/** Checks files on this device, the last that was chosen. */
export function useFileCheck() {
  const { verifier } = useWorkspace();
  const [check, setCheck] = useState<FileCheck>({ type: "none" });
  const turn = useRef(0);

  /** Shows what comes of a check, unless another was begun meanwhile. */
  const follow = useCallback(async (start: FileCheck, checking: () => Promise<FileCheck>): Promise<void> => {
    const own = ++turn.current;
    setCheck(start);
    const ended = await checking();
    if (own === turn.current) setCheck(ended);
  }, []);

  const choose = useCallback(
    (files: readonly File[]): void => {
      const start = startOf(files);
      const [file] = files;
      void follow(start, async () => {
        if (start.type !== "checking" || file === undefined) return start;
        const { name } = file;
        const bytes = await file.arrayBuffer().catch(() => undefined);
        if (bytes === undefined) return { type: "unreadable", name };
        return judged(verifier, name, new Uint8Array(bytes), (checks, of) => checks.checkFile(of));
      });
    },
    [follow, verifier],
  );

  const byItself = useCallback(
    ({ name, bytes, checked: { keysKnown } }: Extract<FileCheck, { type: "judged" }>): void => {
      void follow({ type: "checking", name }, () =>
        judged(verifier, name, bytes, async (checks, of) => ({ verdict: await checks.checkByItself(of), keysKnown })),
      );
    },
    [follow, verifier],
  );

  return { check, choose, byItself };
}

type Judge = (checks: Verifier, bytes: Uint8Array) => ReturnType<Verifier["checkFile"]>;

async function judged(
  verifier: () => Promise<Verifier>,
  name: string,
  bytes: Uint8Array,
  judge: Judge,
): Promise<FileCheck> {
  const checks = await verifier().catch(() => undefined);
  if (checks === undefined) return { type: "no-code", name };
  return { type: "judged", name, bytes, checked: await judge(checks, bytes) };
}
