import { useId, useRef, useState } from "react";
import type { ReactNode } from "react";
import { Button, IconButton } from "./button.tsx";
import type { IconName } from "./icon.tsx";
import { lazyPart } from "./lazy-part.tsx";
import "./menu.css";

/** One line of a menu: something to do, or a line that only says something. */
export type MenuItem =
  | {
      type: "action";
      label: string;
      onSelect: () => void;
      danger?: boolean;
      checked?: boolean;
      /** why it cannot be done now, which stands below it */
      hindrance?: string | undefined;
    }
  | { type: "note"; title: string; text: string }
  | { type: "line" };

export interface LazyMenuProps {
  /** accessible name of the button */
  label: string;
  icon: IconName;
  /** words beside the icon; without them the button shows the icon only */
  text?: ReactNode;
  items: () => readonly MenuItem[];
  side?: "top" | "bottom";
  /** it was opened before its button was here */
  startsOpen?: boolean;
  onOpen?: () => void;
}

const menu = lazyPart(async () => (await import("./menu.tsx")).Menu);

/** A button that opens a menu. The menu's code is loaded when a person first comes near the button. */
export function LazyMenu({ label, icon, text, items, side = "bottom", startsOpen = false, onOpen }: LazyMenuProps) {
  const [open, setOpen] = useState(startsOpen);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const props = {
    ref: button,
    id,
    "aria-haspopup": "menu" as const,
    "aria-expanded": open,
    onPointerEnter: menu.preload,
    onFocus: menu.preload,
    onClick: () => {
      onOpen?.();
      setOpen(true);
    },
  };
  return (
    <span className="menu-anchor">
      {text === undefined ? (
        <IconButton {...props} icon={icon} label={label} />
      ) : (
        <Button {...props} icon={icon} aria-label={label}>
          {text}
        </Button>
      )}
      {open && (
        <menu.Part
          labelledBy={id}
          items={items()}
          side={side}
          onClose={() => setOpen(false)}
          onReturnFocus={() => button.current?.focus()}
        />
      )}
    </span>
  );
}
