import { markdownWords } from "#client/ui/words/markdown-words.ts";
import { Fragment } from "react";
import type { ReactNode } from "react";
import type { MarkedToken, Token } from "marked";
import { decodeEntities } from "#shared/markdown/entities.ts";
import { RemoteImage } from "./remote-image.tsx";
import { safeImage, safeLink } from "#shared/markdown/safe-url.ts";

/** Inline tokens as elements. What is not known, and raw HTML, is shown as the text it was written as. */
export function renderInline(tokens: readonly Token[] | undefined): ReactNode[] {
  return (tokens ?? []).map((token, index) => <Fragment key={index}>{inline(token as MarkedToken)}</Fragment>);
}

function inline(token: MarkedToken): ReactNode {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- everything else is shown as it was written
  switch (token.type) {
    case "strong":
      return <strong>{renderInline(token.tokens)}</strong>;
    case "em":
      return <em>{renderInline(token.tokens)}</em>;
    case "del":
      return <del>{renderInline(token.tokens)}</del>;
    case "codespan":
      return <code>{token.text}</code>;
    case "br":
      return <br />;
    case "escape":
      return token.text;
    case "text":
      return token.tokens ? renderInline(token.tokens) : decodeEntities(token.text);
    case "link":
      return <SafeLink href={token.href}>{renderInline(token.tokens)}</SafeLink>;
    case "image":
      return <Image href={token.href} alt={decodeEntities(token.text)} raw={token.raw} />;
    case "checkbox":
      return <TaskMark done={token.checked} />;
    default:
      return token.raw;
  }
}

function SafeLink({ href, children }: { href: string; children: ReactNode }) {
  const safe = safeLink(decodeEntities(href));
  if (safe === undefined) return <span>{children}</span>;
  return (
    <a href={safe} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

function Image({ href, alt, raw }: { href: string; alt: string; raw: string }) {
  const url = safeImage(decodeEntities(href));
  return url ? <RemoteImage key={url.href} url={url.href} host={url.host} alt={alt} /> : raw;
}

/** The box of a task list; it shows and can not be changed. */
export function TaskMark({ done }: { done: boolean }) {
  return (
    <input
      type="checkbox"
      checked={done}
      disabled
      readOnly
      aria-label={done ? markdownWords.done : markdownWords.notDone}
    />
  );
}
