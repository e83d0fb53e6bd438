import { markdownWords } from "#client/ui/words/markdown-words.ts";
import { useEffect, useRef, useState } from "react";
import type { ReactNode, RefObject } from "react";
import { IconButton } from "../button.tsx";
import { CopyText } from "../copy-text.tsx";
import { CodeLines } from "./code-lines.tsx";
import type { highlight } from "./highlight.tsx";

interface CodeBlockProps {
  code: string;
  /** as written after the fence; may be empty or unknown */
  language: string;
  /** whether the fence is closed: colours come only then, once */
  closed: boolean;
}

/** Beyond this, colours would block a frame for longer than they are worth. */
const HIGHLIGHT_LIMIT = 60_000;
/** How far outside the visible part code is coloured, so that it is before it is seen. */
const NEAR = "600px 0px";

/** Code with its language, `Copy code` and `Wrap lines`. */
export function CodeBlock({ code, language, closed }: CodeBlockProps) {
  const [wrap, setWrap] = useState(false);
  const figure = useRef<HTMLElement>(null);
  const near = useNear(figure, closed && language !== "" && code.length <= HIGHLIGHT_LIMIT);
  const colours = useColours(code, language, near);
  return (
    <figure className="code-block" ref={figure}>
      <figcaption>
        <span>{language || markdownWords.code}</span>
        <IconButton icon="wrap" label={markdownWords.wrap} aria-pressed={wrap} onClick={() => setWrap(!wrap)} />
        <CopyText text={code} label={markdownWords.copyCode} done={markdownWords.copied} />
      </figcaption>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard */}
      <section tabIndex={0} aria-label={language ? markdownWords.codeIn(language) : markdownWords.code}>
        <pre dir="ltr" data-wrap={wrap}>
          <code>{colours ?? <CodeLines code={code} />}</code>
        </pre>
      </section>
    </figure>
  );
}

/** Whether an element was near the visible part since `wanted`; once near, it stays so. */
function useNear(element: RefObject<HTMLElement | null>, wanted: boolean): boolean {
  const [near, setNear] = useState(false);
  useEffect(() => {
    if (!wanted || near || !element.current) return;
    const watcher = new IntersectionObserver((entries) => setNear(entries.some((entry) => entry.isIntersecting)), {
      scrollMargin: NEAR,
    });
    watcher.observe(element.current);
    return () => watcher.disconnect();
  }, [element, wanted, near]);
  return wanted && near;
}

let highlighter: Promise<typeof highlight | undefined> | undefined;

/** The code that colours, fetched once for all blocks; `undefined` when it can not be fetched now, e.g. offline. */
function loadHighlighter(): Promise<typeof highlight | undefined> {
  highlighter ??= import("./highlight.tsx").then(
    (loaded) => loaded.highlight,
    () => {
      highlighter = undefined; // the next block asks again; code without colours is whole
      return undefined;
    },
  );
  return highlighter;
}

function useColours(code: string, language: string, wanted: boolean): ReactNode {
  const [done, setDone] = useState<{ code: string; nodes: ReactNode }>();
  useEffect(() => {
    if (!wanted) return;
    let left = false;
    const colour = async (): Promise<void> => {
      const colourCode = await loadHighlighter();
      const nodes = left ? undefined : colourCode?.(code, language);
      if (nodes) setDone({ code, nodes });
    };
    void colour();
    return () => {
      left = true;
    };
  }, [code, language, wanted]);
  return done?.code === code ? done.nodes : undefined;
}
