import * as Dropdown from "@radix-ui/react-dropdown-menu";
import { useRef, useState } from "react";
import { Icon } from "./icon.tsx";
import { keysInTurn } from "./keys-in-turn.ts";
import type { MenuItem } from "./lazy-menu.tsx";

interface MenuProps {
  labelledBy: string;
  items: readonly MenuItem[];
  side: "top" | "bottom";
  onClose: () => void;
  onReturnFocus: () => void;
}

/** An open menu beside the element it is rendered in. */
export function Menu({ labelledBy, items, side, onClose, onReturnFocus }: MenuProps) {
  const chosen = useRef<(() => void) | undefined>(undefined);
  const [takeKey] = useState(keysInTurn);
  return (
    <Dropdown.Root open modal={false} onOpenChange={(open) => !open && onClose()}>
      <Dropdown.Trigger asChild>
        <span className="menu-place" aria-hidden="true" />
      </Dropdown.Trigger>
      <Dropdown.Portal>
        <Dropdown.Content
          className="menu"
          side={side}
          align="start"
          sideOffset={4}
          collisionPadding={8}
          aria-labelledby={labelledBy}
          onKeyDownCapture={takeKey}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            onReturnFocus();
            // After the focus is back, so that an item may move it on, e.g. into a text field.
            chosen.current?.();
          }}
        >
          {items.map((item, index) => (
            <MenuLine key={index} item={item} onChoose={(run) => (chosen.current = run)} />
          ))}
        </Dropdown.Content>
      </Dropdown.Portal>
    </Dropdown.Root>
  );
}

function MenuLine({ item, onChoose }: { item: MenuItem; onChoose: (run: () => void) => void }) {
  switch (item.type) {
    case "line":
      return <Dropdown.Separator className="menu-line" />;
    case "note":
      return (
        <Dropdown.Label className="menu-note">
          <strong>{item.title}</strong>
          <span>{item.text}</span>
        </Dropdown.Label>
      );
    case "action":
      return (
        <Dropdown.Item
          className="menu-item"
          data-danger={item.danger}
          // Not `disabled`, which no key reaches: whoever comes to it learns why.
          {...(item.hindrance !== undefined && { "aria-disabled": true, "aria-label": item.label })}
          aria-description={item.hindrance}
          onSelect={(event) => (item.hindrance === undefined ? onChoose(item.onSelect) : event.preventDefault())}
        >
          {item.hindrance === undefined ? (
            item.label
          ) : (
            <span className="menu-hindered">
              {item.label}
              <span className="menu-hindrance">{item.hindrance}</span>
            </span>
          )}
          {item.checked && <Icon name="check" />}
        </Dropdown.Item>
      );
  }
}
