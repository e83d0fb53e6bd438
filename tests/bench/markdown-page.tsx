import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { useFollowScroll } from "#client/features/conversation/use-follow-scroll.ts";
import { Markdown } from "#client/ui/markdown/markdown.tsx";
import "#client/app/app.css";
import "#client/features/conversation/conversation.css";
import "#client/ui/base.css";
import "#client/ui/tokens.css";

// The page that markdown-streaming.bench.ts drives: an answer in the frame of the chat, with its scroll following.

let show: (text: string) => void = () => undefined;
const frame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));

function Answer() {
  const [text, setText] = useState("");
  const { scroller, content } = useFollowScroll(true);
  useEffect(() => {
    show = setText;
  }, []);
  return (
    <div className="chat-page" style={{ display: "flex", flexDirection: "column", height: "100dvh" }}>
      <div className="messages-place">
        <div className="messages-scroller" ref={scroller}>
          <div className="messages" ref={content} role="log" aria-live="off">
            <article className="message answer">{text !== "" && <Markdown text={text} writing />}</article>
          </div>
        </div>
      </div>
    </div>
  );
}

/** Mounts an empty answer. */
async function open(): Promise<void> {
  const root = document.createElement("div");
  document.body.append(root);
  createRoot(root).render(<Answer />);
  await frame();
  await frame();
}

/** Lets the answer grow from one length of `text` to another, so many characters a frame. */
async function grow(text: string, from: number, to: number, step: number): Promise<void> {
  for (let end = from; end < to;) {
    await frame();
    end = Math.min(to, end + step);
    show(text.slice(0, end));
  }
  await frame();
  await frame();
}

export const answer = { open, grow, height: () => document.querySelector(".messages-scroller")?.scrollHeight ?? 0 };
Object.assign(globalThis, { answer });
