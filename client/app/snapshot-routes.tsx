import type { ReactNode } from "react";
import { AnswerDetails } from "#client/features/conversation/answer-details.tsx";
import { comparedOf } from "#client/features/snapshots/compare-address-state.ts";
import { SnapshotPage } from "#client/features/snapshots/snapshot-page.tsx";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { words } from "#client/ui/words/words.ts";
import { parseSnapshotId } from "#shared/domain/ids.ts";
import { Blank } from "./blank.tsx";

const compare = lazyPart(async () => (await import("#client/features/snapshots/compare-page.tsx")).ComparePage);

const verify = lazyPart(async () => (await import("#client/features/snapshots/verify-page.tsx")).VerifyPage);

interface SnapshotRoutesProps {
  path: string;
  leading: ReactNode;
  isGuest: boolean;
  onNewChat: () => void;
  /** its code could not be fetched */
  onClose: () => void;
}

/** Which page of snapshots an address names: one of them, two that are compared, or the check of a file; else none. */
export function SnapshotRoutes({ path, leading, isGuest, onNewChat }: SnapshotRoutesProps) {
  const id = parseSnapshotId(path.slice("/snapshots/".length));
  const compared = comparedOf(path);
  if (compared) {
    return (
      <compare.Part
        key={path}
        {...compared}
        leading={leading}
        onNewChat={onNewChat}
        onClose={onNewChat}
        meanwhile={<Blank leading={leading} />}
      />
    );
  }
  if (path === "/verify") {
    return (
      <verify.Part
        leading={leading}
        isGuest={isGuest}
        Details={AnswerDetails}
        onClose={onNewChat}
        meanwhile={<Blank leading={leading} />}
      />
    );
  }
  if (id === undefined) {
    const action = { label: words.library.newChat, run: onNewChat };
    return <Blank leading={leading} {...snapshotWords.noPage} action={action} />;
  }
  return <SnapshotPage id={id} leading={leading} isGuest={isGuest} Details={AnswerDetails} onNewChat={onNewChat} />;
}
