import { common, createLowlight } from "lowlight";
import { Fragment } from "react";
import type { ReactNode } from "react";

const lowlight = createLowlight(common);

interface Piece {
  type: string;
  value?: string;
  properties?: { className?: unknown };
  children?: readonly Piece[];
}

/** Code as coloured spans; `undefined` for a language that is not known. */
export function highlight(code: string, language: string): ReactNode {
  const name = language.toLowerCase();
  if (!lowlight.registered(name)) return undefined;
  return render(lowlight.highlight(name, code).children);
}

function render(pieces: readonly Piece[]): ReactNode[] {
  return pieces.map((piece, index) => {
    if (piece.type === "text") return <Fragment key={index}>{piece.value}</Fragment>;
    const names = piece.properties?.className;
    return (
      <span key={index} className={Array.isArray(names) ? names.join(" ") : undefined}>
        {render(piece.children ?? [])}
      </span>
    );
  });
}
