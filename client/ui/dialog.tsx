import * as Radix from "@radix-ui/react-dialog";
import { useState } from "react";
import type { ReactNode } from "react";
import { IconButton } from "./button.tsx";
import { words } from "./words/words.ts";
import "./dialog.css";

interface DialogProps {
  title: string;
  about?: string;
  onClose: () => void;
  children: ReactNode;
}

/** A modal dialog, open as long as it is rendered. Hands the focus back to where it came from. */
export function Dialog({ title, about, onClose, children }: DialogProps) {
  const [opener] = useState(() => document.activeElement);
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="dialog-veil" />
        <Radix.Content
          className="dialog"
          {...(about === undefined ? { "aria-describedby": undefined } : {})}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            if (opener instanceof HTMLElement) opener.focus();
          }}
        >
          <header className="dialog-head">
            <Radix.Title className="dialog-title">{title}</Radix.Title>
            <Radix.Close asChild>
              <IconButton icon="close" label={words.app.close} />
            </Radix.Close>
          </header>
          {about !== undefined && <Radix.Description className="dialog-about">{about}</Radix.Description>}
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
