import { createContext, useCallback, useContext, useEffect, useState } from "react";
import type { ReactNode } from "react";
import { Button, IconButton } from "./button.tsx";
import { words } from "./words/words.ts";
import "./toast.css";

export interface Toast {
  text: string;
  action?: { label: string; run: () => void };
  /** until it is closed or its action taken; it has a place of its own beside the others */
  stays?: true;
}

const SHOWN_MS = 10_000;
const ToastContext = createContext<(toast: Toast) => void>(() => undefined);

/** Shows one toast at a time, and one that stays, only for what can be undone or needs attention. It waits while it is used. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const [toast, setToast] = useState<Toast>();
  const [standing, setStanding] = useState<Toast>();
  const [held, setHeld] = useState(false);
  const show = useCallback((next: Toast) => (next.stays ? setStanding : setToast)(next), []);
  const close = useCallback(() => {
    setToast(undefined);
    setHeld(false);
  }, []);
  useEffect(() => {
    if (!toast || held) return;
    const timer = setTimeout(close, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [toast, held, close]);
  return (
    <ToastContext value={show}>
      {children}
      <div className="toast-place" aria-live="polite">
        {toast && <ToastBox toast={toast} onClose={close} onHold={setHeld} />}
      </div>
      {/* Not below, where it would lie over the place to write. */}
      <div className="toast-place" data-stays aria-live="polite">
        {standing && <ToastBox toast={standing} onClose={() => setStanding(undefined)} onHold={() => undefined} />}
      </div>
    </ToastContext>
  );
}

interface ToastBoxProps {
  toast: Toast;
  onClose: () => void;
  /** whether it is in use */
  onHold: (held: boolean) => void;
}

function ToastBox({ toast: { text, action }, onClose, onHold }: ToastBoxProps) {
  return (
    <div
      className="toast"
      onPointerEnter={() => onHold(true)}
      onPointerLeave={() => onHold(false)}
      onFocus={() => onHold(true)}
      onBlur={() => onHold(false)}
    >
      <span dir="auto">{text}</span>
      {action && (
        <Button
          onClick={() => {
            action.run();
            onClose();
          }}
        >
          {action.label}
        </Button>
      )}
      <IconButton icon="close" label={words.app.close} onClick={onClose} />
    </div>
  );
}

/** Shows a toast in place of the one that is shown. */
export const useToast = (): ((toast: Toast) => void) => useContext(ToastContext);
