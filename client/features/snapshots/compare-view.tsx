import { useCallback, useEffect, useId, useRef, useState } from "react";
import type { RefObject } from "react";
import { flushSync } from "react-dom";
import { Button } from "#client/ui/button.tsx";
import { Status } from "#client/ui/status.tsx";
import { useMedia } from "#client/ui/use-media.ts";
import { compareWords } from "#client/ui/words/compare-words.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import { fittingRows, foldRows, startOf, summaryOf } from "./compare-state.ts";
import type { Comparison, ComparisonSummary, MessageRow } from "./compare-state.ts";
import { ComparedMessage } from "./compared-message.tsx";
import { ComparedTextView } from "./compared-text.tsx";
import type { Layout } from "./compared-text.tsx";
import { FactTable } from "./fact-table.tsx";
import { useComparison } from "./use-comparison.ts";
import "./compare.css";

/** One of two that are compared. */
export interface ComparedSide {
  /** what it is called above its column, e.g. "Snapshot 3" */
  label: string;
  content: FrozenContent;
}

interface CompareViewProps {
  left: ComparedSide;
  right: ComparedSide;
}

/** Two columns need this much; in `em`, so that a page with larger text has one earlier. */
const NARROW = "(max-width: 47em)";

const quoted = (words: string): string => JSON.stringify(` ${words} `);

/** What the style sheet has said of marks. */
const SAID: Record<`--${string}`, string> = {
  "--removed-mark": quoted(compareWords.removedMark),
  "--removed-end": quoted(compareWords.removedEnd),
  "--added-mark": quoted(compareWords.addedMark),
  "--added-end": quoted(compareWords.addedEnd),
};

/** Two snapshots, or a snapshot and the chat it is of: what differs in settings and in words. */
export function CompareView({ left, right }: CompareViewProps) {
  const comparison = useComparison(left.content, right.content);
  const isNarrow = useMedia(NARROW);
  const [chosen, setChosen] = useState<Layout>("side-by-side");
  const view = useRef<HTMLDivElement>(null);
  const layout = isNarrow ? "inline" : chosen;
  const [whole, setWhole] = useState(false);
  const drawAll = useCallback((): void => flushSync(() => setWhole(true)), []);
  useEffect(() => {
    addEventListener("beforeprint", drawAll);
    return () => removeEventListener("beforeprint", drawAll);
  }, [drawAll]);
  return (
    <div className="compare" ref={view} data-layout={layout} style={SAID}>
      <div className="compare-bar">
        <Status className="compare-summary">
          {comparison.done ? summaryWords(summaryOf(comparison)) : compareWords.comparing}
        </Status>
        {!isNarrow && <LayoutChoice layout={chosen} onChoose={setChosen} />}
        <ChangeButtons view={view} onBack={drawAll} />
      </div>
      <Settings comparison={comparison} layout={layout} left={left.label} right={right.label} />
      <Messages key={comparison.rows ? "known" : "unknown"} {...{ comparison, layout, whole, left, right }} />
    </div>
  );
}

function summaryWords({ messages, settings }: ComparisonSummary): string {
  const parts: string[] = [];
  if (messages.changed > 0) parts.push(compareWords.changed(messages.changed));
  for (const state of ["added", "removed", "moved"] as const)
    if (messages[state] > 0) parts.push(compareWords[state](messages[state], parts.length === 0));
  if (messages.run > 0) parts.push(compareWords.otherRun(messages.run));
  parts.push(...settings.map((name) => compareWords.settingDiffers(name)));
  return parts.length === 0 ? compareWords.same : compareWords.all(parts);
}

const LAYOUTS = [
  ["side-by-side", compareWords.sideBySide],
  ["inline", compareWords.inline],
] as const;

function LayoutChoice({ layout, onChoose }: { layout: Layout; onChoose: (layout: Layout) => void }) {
  const name = useId();
  return (
    <div className="compare-layout" role="radiogroup" aria-label={compareWords.layout}>
      {LAYOUTS.map(([value, label]) => (
        <label key={value}>
          <input type="radio" name={name} checked={layout === value} onChange={() => onChoose(value)} />
          {label}
        </label>
      ))}
    </div>
  );
}

/** What comes into view on the way is only now as high as it is: where the page does not hold still for that, again. */
function scrollTo(change: HTMLElement): void {
  const go = (): void => change.scrollIntoView({ block: "start" });
  go();
  requestAnimationFrame(() => {
    go();
    requestAnimationFrame(go);
  });
}

interface ChangeButtonsProps {
  view: RefObject<HTMLDivElement | null>;
  /** has all changes drawn: the one before the first is the last */
  onBack: () => void;
}

/** Gives the focus to the change before or after where it is. */
function ChangeButtons({ view, onBack }: ChangeButtonsProps) {
  const go = (step: 1 | -1): void => {
    if (step === -1) onBack();
    const changes = [...(view.current?.querySelectorAll<HTMLElement>("[data-change]") ?? [])];
    // Where the focus was last; a button that was pressed has it now.
    const at = changes.findIndex((change) => change.dataset["change"] === "here");
    const next =
      changes[at === -1 ? (step === 1 ? 0 : changes.length - 1) : at + step] ?? changes.at(step === 1 ? 0 : -1);
    for (const change of changes) change.dataset["change"] = change === next ? "here" : "";
    next?.focus();
    if (next) scrollTo(next);
  };
  return (
    <div className="compare-steps">
      <Button look="soft" onClick={() => go(-1)}>
        {compareWords.previous}
      </Button>
      <Button look="soft" onClick={() => go(1)}>
        {compareWords.next}
      </Button>
    </div>
  );
}

interface PartProps {
  comparison: Comparison;
  layout: Layout;
}

function Settings({ comparison, layout, left, right }: PartProps & { left: string; right: string }) {
  const { settings, systemPrompt } = comparison;
  const id = useId();
  const differs = systemPrompt.type !== "same" || settings.some(({ state }) => state !== "same");
  const isEmpty = systemPrompt.type === "same" && systemPrompt.text === "";
  return (
    <section className="compare-settings" aria-labelledby={id} {...(differs && { "data-change": "", tabIndex: -1 })}>
      <h2 id={id}>{compareWords.settings}</h2>
      <FactTable
        caption={compareWords.settings}
        of={compareWords.setting}
        absent={compareWords.unset}
        rows={settings}
        left={left}
        right={right}
      />
      <h3>{compareWords.facts.systemPrompt}</h3>
      {isEmpty ? (
        <p className="compare-note">{compareWords.noPrompt}</p>
      ) : (
        <ComparedTextView text={systemPrompt} layout={layout} labels={{ left, right }} />
      )}
    </section>
  );
}

function Messages({ comparison, layout, whole, left, right }: PartProps & CompareViewProps & { whole: boolean }) {
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const { rows } = comparison;
  const open = (from: number): void => {
    setOpened(new Set([...opened, from]));
    list.current?.focus();
  };
  return (
    <section className="compare-messages" aria-labelledby={id}>
      <h2 id={id}>{compareWords.messages}</h2>
      {layout === "side-by-side" && (
        <div className="compare-columns compare-heads" aria-hidden="true">
          <span dir="auto">{left.label}</span>
          <span dir="auto">{right.label}</span>
        </div>
      )}
      {rows?.length === 0 && <p className="compare-note">{compareWords.nothing}</p>}
      <div ref={list} tabIndex={-1} className="compare-list">
        {rows && <Rows {...{ rows, opened, whole, layout, open }} left={left.label} right={right.label} />}
      </div>
    </section>
  );
}

interface RowsProps {
  rows: readonly MessageRow[];
  /** all at once, whatever it takes */
  whole: boolean;
  opened: ReadonlySet<number>;
  layout: Layout;
  left: string;
  right: string;
  open: (from: number) => void;
}

/** How much a frame is given to draw, in the measure of `weightOf`: less than half of it on a slow device. */
const WEIGHT_AT_ONCE = 150;

/** Rows from the top down as they are compared, some in each frame: laying out all at once takes many frames' time. */
function Rows({ rows, opened, whole, open, ...rest }: RowsProps) {
  const folded = foldRows(rows, opened);
  const [drawn, setDrawn] = useState(0);
  const next = fittingRows(folded, drawn, WEIGHT_AT_ONCE);
  useEffect(() => {
    if (next === drawn) return;
    const frame = requestAnimationFrame(() => setDrawn(next));
    return () => cancelAnimationFrame(frame);
  }, [next, drawn]);
  const shownUpTo = whole ? Infinity : drawn;
  const drawnRows = folded
    .filter((row) => startOf(row) < shownUpTo)
    .map((shown) =>
      shown.type === "row" ? (
        <ComparedMessage key={shown.index} row={shown.row} {...rest} />
      ) : (
        <div key={shown.from} className="compare-folded">
          <span>{compareWords.folded(shown.count)}</span>
          <Button look="soft" onClick={() => open(shown.from)}>
            {compareWords.show(shown.count)}
          </Button>
        </div>
      ),
    );
  return (
    <>
      {drawnRows}
      {shownUpTo < rows.length && <p className="compare-note">{compareWords.waiting}</p>}
    </>
  );
}
