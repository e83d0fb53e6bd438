import type { ReactNode, Ref } from "react";
import { Button } from "#client/ui/button.tsx";

interface BlankProps {
  header?: ReactNode;
  leading?: ReactNode;
  title?: string;
  text?: string;
  action?: { label: string; run: () => void };
  /** the title, to be given the focus */
  heading?: Ref<HTMLHeadingElement>;
}

/** A page with nothing to read: says why, and offers the next step. */
export function Blank({ header, leading, title, text, action, heading }: BlankProps) {
  return (
    <>
      {header ?? <div className="chat-header">{leading}</div>}
      <div className="blank">
        {title !== undefined && (
          <h2 ref={heading} tabIndex={-1}>
            {title}
          </h2>
        )}
        {text !== undefined && <p>{text}</p>}
        {action && (
          <Button look="primary" onClick={action.run}>
            {action.label}
          </Button>
        )}
      </div>
    </>
  );
}
