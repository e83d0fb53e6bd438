import { useState } from "react";
import { MarkdownBlock } from "./block.tsx";
import { NO_BLOCKS, nextBlocks } from "./block-splitter.ts";
import "./markdown.css";

interface MarkdownProps {
  text: string;
  /** Still being written: a quiet caret follows the last block. */
  writing?: boolean;
}

/**
 * Markdown as elements, made from tokens and never from HTML. While a text grows, only its unsettled tail is
 * lexed and rendered again. Blocks are keyed by position, so nothing is remounted when the text is finished.
 */
export function Markdown({ text, writing = false }: MarkdownProps) {
  const [shown, setShown] = useState(() => ({ text, blocks: nextBlocks(NO_BLOCKS, text) }));
  // Derived while rendering, as React advises: the same text gives the same blocks, so this settles at once.
  const current = shown.text === text ? shown : { text, blocks: nextBlocks(shown.blocks, text) };
  if (current !== shown) setShown(current);
  const { settled, tail } = current.blocks;
  return (
    <div className="markdown" data-writing={writing || undefined}>
      {settled.map((block, index) => (
        <MarkdownBlock key={index} block={block} />
      ))}
      {tail.map((block, index) => (
        <MarkdownBlock key={settled.length + index} block={block} />
      ))}
    </div>
  );
}
