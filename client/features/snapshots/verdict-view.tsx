import { useId } from "react";
import type { ReactNode } from "react";
import { Icon } from "#client/ui/icon.tsx";
import type { IconName } from "#client/ui/icon.tsx";
import { provenanceWords } from "#client/ui/words/provenance-words.ts";
import type { VerdictWords } from "./verdict-words.ts";

const ICONS: Record<VerdictWords["weight"], IconName> = { good: "check", plain: "details", warn: "alert" };

interface VerdictViewProps {
  said: VerdictWords;
  /** of the file */
  name: string | undefined;
  /** what can be done next */
  children: ReactNode;
}

/** What a check came to. */
export function VerdictView({ said: { title, lines, kid, weight }, name, children }: VerdictViewProps) {
  const id = useId();
  return (
    <section className="verdict" data-weight={weight} aria-labelledby={id}>
      <h2 id={id}>
        <Icon name={ICONS[weight]} />
        {title}
      </h2>
      {name !== undefined && (
        <p className="verdict-name" dir="auto">
          {name}
        </p>
      )}
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
      {kid !== undefined && (
        <p className="verdict-key">
          {provenanceWords.file.fingerprint} <code>{kid}</code>
        </p>
      )}
      <div className="verdict-actions">{children}</div>
    </section>
  );
}
