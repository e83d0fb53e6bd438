import type { ReactNode, RefObject } from "react";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { CopyText } from "#client/ui/copy-text.tsx";
import { Link } from "#client/ui/link.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import type { FrozenContent, FrozenOrigin } from "#shared/domain/frozen-content.ts";
import type { Jwks } from "#shared/provenance/signing-keys.ts";
import { AnswerMarks } from "./answer-mark.tsx";
import { Blank } from "./blank-content.tsx";
import { Facts } from "./facts.tsx";
import { FrozenMessages } from "./frozen-messages.tsx";
import type { RunDetails } from "./frozen-messages.tsx";
import { MarksLine } from "./marks-line.tsx";
import { parameterWords } from "./parameter-words.ts";
import { modelsOf } from "./take-state.ts";
import { titleOf } from "./snapshot-title.ts";
import { useAnswerMarks } from "./use-answer-marks.ts";
import { useFrozenContent } from "./use-frozen-content.ts";
import { useModelNames } from "./use-model-names.ts";
import { useOnline } from "./use-online.ts";

interface SnapshotContentProps {
  entry: SnapshotEntry;
  scroller: RefObject<HTMLDivElement | null>;
  Details: RunDetails;
}

/** All that was frozen; where it cannot be read, why, and what to do. */
export function SnapshotContent({ entry: { summary }, scroller, Details }: SnapshotContentProps) {
  const online = useOnline();
  const { read, again } = useFrozenContent(summary.id, online);
  const text = snapshotWords.missing;
  const retry = { label: text.again, run: again };
  switch (read.type) {
    case "reading":
      return <Blank title={text.loading} />;
    case "missing":
      return <Blank title={text.title} text={online ? text.online : text.offline} action={retry} />;
    case "damaged":
      return <Blank title={text.damagedTitle} text={text.damaged} action={{ label: text.fetchAgain, run: again }} />;
    case "unreadable":
      return <Blank title={text.storeTitle} text={text.store} action={retry} />;
    case "read":
      return <FrozenView content={read.content} contentId={summary.contentId} scroller={scroller} Details={Details} />;
  }
}

interface FrozenViewProps {
  content: FrozenContent;
  contentId: string;
  /** keys that came with it, where it is none of this server's */
  ownKeys?: Jwks | undefined;
  scroller: RefObject<HTMLDivElement | null>;
  Details: RunDetails;
}

/** What was frozen, to read. Who wrote the answers is checked once it is shown. */
export function FrozenView({ content, contentId, ownKeys, scroller, Details }: FrozenViewProps) {
  const marks = useAnswerMarks(content, ownKeys);
  const basis = ownKeys ? "file" : "server";
  const { messages } = content;
  return (
    <AnswerMarks messages={messages} state={marks} basis={basis}>
      <FrozenFacts content={content} contentId={contentId}>
        {messages.some(({ role }) => role === "assistant") && <MarksLine state={marks} basis={basis} />}
      </FrozenFacts>
      <FrozenMessages messages={messages} scroller={scroller} Details={Details} />
    </AnswerMarks>
  );
}

interface FrozenFactsProps {
  content: FrozenContent;
  contentId: string;
  children: ReactNode;
}

/** What the messages were written with, and what they are identified by. */
function FrozenFacts({ content, contentId, children }: FrozenFactsProps) {
  const nameOf = useModelNames();
  const text = snapshotWords.page;
  const { manifest, messages } = content;
  const { systemPrompt, parameters } = manifest.settings;
  const versions = [...new Set(messages.flatMap(({ run }) => run?.resolvedModel ?? []))];
  return (
    <section className="snapshot-about snapshot-frozen" aria-label={text.frozen}>
      {children}
      <Facts
        lines={[
          [text.model, modelsOf(content).map(nameOf).join(", ") || text.noModel],
          ...(versions.length > 0 ? [[text.versions, versions.join(", ")] as const] : []),
        ]}
      />
      <details>
        <summary>{text.settings}</summary>
        <p>{parameterWords(parameters)}</p>
        <h3>{text.systemPrompt}</h3>
        <p className="plain-text" dir="auto">
          {systemPrompt === "" ? text.noSystemPrompt : systemPrompt}
        </p>
      </details>
      {manifest.origin && <OriginLine origin={manifest.origin} />}
      <p className="snapshot-id" title={text.contentIdAbout}>
        {text.contentId} <code>{contentId.slice(0, 12)}…</code>
        <CopyText text={contentId} label={text.copyId} />
      </p>
    </section>
  );
}

/** Where a chat comes from that was duplicated or restored before this was taken of it. */
function OriginLine({ origin }: { origin: FrozenOrigin }) {
  const { snapshots } = useWorkspace();
  const from = useWatched(snapshots, () =>
    snapshots.entries().find(({ summary }) => summary.id === origin.snapshotId && !summary.deleted),
  );
  return (
    <p className="snapshot-origin">
      {snapshotWords.page.origin}{" "}
      {from ? (
        <Link href={`/snapshots/${from.summary.id}`}>
          {titleOf(from.summary)} ({snapshotWords.number(from.summary.number)})
        </Link>
      ) : (
        snapshotWords.page.originGone
      )}
    </p>
  );
}
