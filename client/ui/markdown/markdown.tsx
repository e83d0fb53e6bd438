import { useState } from "react";
import { MarkdownBlock } from "./block.tsx";
import { NO_BLOCKS, nextBlocks } from "./block-splitter.ts";
import type { Block } from "./block-splitter.ts";
import { Part, partsOf } from "./parts.tsx";
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
  const blocks = [...settled, ...tail].filter(isShown);
  return (
    <div className="markdown" data-writing={writing || undefined}>
      {partsOf(blocks).map((part, index) => (
        // An element, because laying out a row looks at each member of it, also at those that did not change.
        <div key={index}>
          <Part items={part} render={renderOne} />
        </div>
      ))}
    </div>
  );
}

const isShown = ({ token }: Block): boolean => token.type !== "def" && token.type !== "space";
const renderOne = (block: Block, index: number) => <MarkdownBlock key={index} block={block} />;
