import { Suspense, lazy } from "react";

const load = () => import("./markdown.tsx");
const Markdown = lazy(async () => ({ default: (await load()).Markdown }));

/** Fetches the code that shows Markdown ahead of its first use. */
export const preloadMarkdown = (): void => void load();

/** Markdown; its source as plain text until the code that shows it is here. */
export function LazyMarkdown(props: { text: string; writing?: boolean }) {
  return (
    <Suspense
      fallback={
        <div className="plain-text" dir="auto">
          {props.text}
        </div>
      }
    >
      <Markdown {...props} />
    </Suspense>
  );
}
