import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { IconButton } from "../button.tsx";
import { words } from "../words/words.ts";

interface CodeBlockProps {
  code: string;
  /** as written after the fence; may be empty or unknown */
  language: string;
  /** whether the fence is closed: colours come only then, once */
  closed: boolean;
}

/** Beyond this, colours would block a frame for longer than they are worth. */
const HIGHLIGHT_LIMIT = 60_000;
const COPIED_MS = 1500;

/** Code with its language, `Copy code` and `Wrap lines`. */
export function CodeBlock({ code, language, closed }: CodeBlockProps) {
  const [wrap, setWrap] = useState(false);
  const colours = useColours(code, language, closed && code.length <= HIGHLIGHT_LIMIT);
  return (
    <figure className="code-block">
      <figcaption>
        <span>{language || words.markdown.code}</span>
        <IconButton icon="wrap" label={words.markdown.wrap} aria-pressed={wrap} onClick={() => setWrap(!wrap)} />
        <CopyCode code={code} />
      </figcaption>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard */}
      <section tabIndex={0} aria-label={language ? words.markdown.codeIn(language) : words.markdown.code}>
        <pre dir="ltr" data-wrap={wrap}>
          <code>{colours ?? code}</code>
        </pre>
      </section>
    </figure>
  );
}

function useColours(code: string, language: string, wanted: boolean): ReactNode {
  const [done, setDone] = useState<{ code: string; nodes: ReactNode }>();
  useEffect(() => {
    if (!wanted || !language) return;
    let left = false;
    const colour = async (): Promise<void> => {
      const { highlight } = await import("./highlight.tsx");
      const nodes = left ? undefined : highlight(code, language);
      if (nodes) setDone({ code, nodes });
    };
    void colour();
    return () => {
      left = true;
    };
  }, [code, language, wanted]);
  return done?.code === code ? done.nodes : undefined;
}

function CopyCode({ code }: { code: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <IconButton
      icon={copied ? "check" : "copy"}
      label={copied ? words.markdown.copied : words.markdown.copyCode}
      onClick={() => void navigator.clipboard.writeText(code).then(() => setCopied(true))}
    />
  );
}
