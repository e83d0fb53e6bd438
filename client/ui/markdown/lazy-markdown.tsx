import { Suspense, lazy } from "react";

interface MarkdownProps {
  text: string;
  writing?: boolean;
}

const load = () => import("./markdown.tsx");
// Where its code cannot be fetched, what was written is still there to read, until the page is loaded again.
const Markdown = lazy(async () => ({
  default: await load().then(
    (loaded) => loaded.Markdown,
    () => PlainText,
  ),
}));

/** Fetches the code that shows Markdown ahead of its first use. */
export const preloadMarkdown = (): void => void load().catch(() => undefined);

function PlainText({ text }: MarkdownProps) {
  return (
    <div className="plain-text" dir="auto">
      {text}
    </div>
  );
}

/** Markdown; its source as plain text until the code that shows it is here. */
export function LazyMarkdown(props: MarkdownProps) {
  return (
    <Suspense fallback={<PlainText {...props} />}>
      <Markdown {...props} />
    </Suspense>
  );
}
