import type { ReactNode } from "react";
import { Button } from "#client/ui/button.tsx";

interface BlankProps {
  title: string;
  text?: string;
  action?: { label: string; run: () => void; disabled?: boolean };
  children?: ReactNode;
}

/** In place of what cannot be shown: why, and the next step. */
export function Blank({ title, text, action, children }: BlankProps) {
  return (
    <div className="blank">
      <h2>{title}</h2>
      {text !== undefined && <p>{text}</p>}
      {action && (
        <Button look="primary" disabled={action.disabled ?? false} onClick={action.run}>
          {action.label}
        </Button>
      )}
      {children}
    </div>
  );
}
