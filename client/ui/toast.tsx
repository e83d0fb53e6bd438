import { createContext, useCallback, useContext, useEffect, useState } from "react";
import type { ReactNode } from "react";
import { Button, IconButton } from "./button.tsx";
import { words } from "./words/words.ts";
import "./toast.css";

export interface Toast {
  text: string;
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 10_000;
const ToastContext = createContext<(toast: Toast) => void>(() => undefined);

/** Shows one toast at a time, only for what can be undone or needs attention. It waits while it is used. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const [toast, setToast] = useState<Toast>();
  const [held, setHeld] = useState(false);
  const show = useCallback((next: Toast) => setToast(next), []);
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
        {toast && (
          <div
            className="toast"
            onPointerEnter={() => setHeld(true)}
            onPointerLeave={() => setHeld(false)}
            onFocus={() => setHeld(true)}
            onBlur={() => setHeld(false)}
          >
            <span dir="auto">{toast.text}</span>
            {toast.action && (
              <Button
                onClick={() => {
                  toast.action?.run();
                  close();
                }}
              >
                {toast.action.label}
              </Button>
            )}
            <IconButton icon="close" label={words.app.close} onClick={close} />
          </div>
        )}
      </div>
    </ToastContext>
  );
}

/** Shows a toast in place of the one that is shown. */
export const useToast = (): ((toast: Toast) => void) => useContext(ToastContext);
