import { useEffect, useRef } from "react";
import type { ReactNode } from "react";
import { useAnnounce } from "#client/ui/announcer.tsx";
import { Button } from "#client/ui/button.tsx";
import { provenanceWords } from "#client/ui/words/provenance-words.ts";
import { words } from "#client/ui/words/words.ts";
import { contentIdOf } from "#shared/domain/frozen-content.ts";
import { FileFacts } from "./file-facts.tsx";
import type { RunDetails } from "./frozen-messages.tsx";
import { ImportFile } from "./import-file.tsx";
import { FrozenView } from "./snapshot-content.tsx";
import { useFileCheck } from "./use-file-check.ts";
import { useFileDrop } from "./use-file-drop.ts";
import { VerdictView } from "./verdict-view.tsx";
import { wordsOf } from "./verdict-words.ts";
import { mayCheckByItself, readableOf } from "./verify-file-state.ts";
import type { FileCheck } from "./verify-file-state.ts";
import "./snapshots.css";
import "./verify.css";

const text = provenanceWords.page;

interface VerifyPageProps {
  leading: ReactNode;
  /** guests of a workspace change nothing in it */
  isGuest: boolean;
  Details: RunDetails;
  /** its code could not be fetched */
  onClose: () => void;
}

/** Says of a signed file whether anything in it was changed, and shows what is in one that is whole. */
export function VerifyPage({ leading, isGuest, Details }: VerifyPageProps) {
  const { check, choose, byItself } = useFileCheck();
  const isOver = useFileDrop(choose);
  const scroller = useRef<HTMLDivElement>(null);
  const heading = usePageOpened();
  const readable = readableOf(check);
  return (
    <>
      <header className="chat-header">
        {leading}
        <h1 className="chat-title" ref={heading} tabIndex={-1}>
          {text.title}
        </h1>
      </header>
      <div className="messages-scroller" ref={scroller}>
        <div className="snapshot-about verify">
          <FileChooser isFirst={check.type === "none"} isOver={isOver} onFiles={choose} />
          <Outcome check={check} onByItself={byItself}>
            {readable && !isGuest && (
              <ImportFile key={contentIdOf(readable.file.content.manifest)} file={readable.file} />
            )}
          </Outcome>
          {readable && <FileFacts meta={readable.file.meta} />}
        </div>
        {readable && (
          <FrozenView
            content={readable.file.content}
            contentId={contentIdOf(readable.file.content.manifest)}
            ownKeys={readable.byItself ? readable.file.keys : undefined}
            scroller={scroller}
            Details={Details}
          />
        )}
      </div>
    </>
  );
}

/** Names the page, and gives its heading the focus when it opens. */
function usePageOpened() {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${text.title} · ${words.app.name}`;
    heading.current?.focus();
  }, []);
  return heading;
}

interface OutcomeProps {
  check: FileCheck;
  onByItself: (check: Extract<FileCheck, { type: "judged" }>) => void;
  /** what else can be done with the file */
  children: ReactNode;
}

/** How far the check is, or what it came to; read out as well. */
function Outcome({ check, onByItself, children }: OutcomeProps) {
  const announce = useAnnounce();
  const said = wordsOf(check);
  const checking = check.type === "checking" ? text.checking(check.name) : undefined;
  const spoken = checking ?? (said && [said.title, ...said.lines].join(". "));
  useEffect(() => {
    if (spoken !== undefined) announce(spoken);
  }, [announce, spoken]);
  if (said === undefined) return checking === undefined ? null : <p className="verify-checking">{checking}</p>;
  return (
    <VerdictView said={said} name={"name" in check ? check.name : undefined}>
      {mayCheckByItself(check) && (
        <Button look="soft" onClick={() => onByItself(check)}>
          {text.checkByItself}
        </Button>
      )}
      {children}
    </VerdictView>
  );
}

interface FileChooserProps {
  /** no file was chosen yet */
  isFirst: boolean;
  /** a file is held over the page */
  isOver: boolean;
  onFiles: (files: readonly File[]) => void;
}

function FileChooser({ isFirst, isOver, onFiles }: FileChooserProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div className="drop-zone" data-over={isOver || undefined} data-small={!isFirst || undefined}>
      {isFirst && <p>{text.about}</p>}
      <div className="drop-row">
        <Button look={isFirst ? "primary" : "soft"} onClick={() => input.current?.click()}>
          {text.choose}
        </Button>
        <span className="drop-hint">{isOver ? text.dropNow : text.drop}</span>
      </div>
      <input
        ref={input}
        type="file"
        className="hidden-words"
        tabIndex={-1}
        aria-hidden="true"
        onChange={({ target }) => {
          onFiles([...(target.files ?? [])]);
          // Or the same file could not be chosen again.
          target.value = "";
        }}
      />
    </div>
  );
}
