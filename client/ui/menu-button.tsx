import { useState } from "react";
import type { ReactNode } from "react";
import { IconButton } from "./button.tsx";
import type { IconName } from "./icon.tsx";
import "./menu.css";

interface MenuButtonProps {
  icon: IconName;
  /** accessible name of the button */
  label: string;
  /** a person comes near it: time to fetch the code of the menu */
  onNear: () => void;
  /** the menu with a button of its own (`LazyMenu` that starts open), which takes the place of this one */
  children: (place: { meanwhile: ReactNode; onClose: () => void }) => ReactNode;
}

/** The button of a menu before it was opened: what is in the menu, and what that does, is loaded when a person comes near. */
export function MenuButton({ icon, label, onNear, children }: MenuButtonProps) {
  const [wanted, setWanted] = useState(false);
  const button = (
    <span className="menu-anchor">
      <IconButton
        icon={icon}
        label={label}
        aria-haspopup="menu"
        aria-expanded={false}
        onPointerEnter={onNear}
        onFocus={onNear}
        onClick={() => setWanted(true)}
      />
    </span>
  );
  return wanted ? children({ meanwhile: button, onClose: () => setWanted(false) }) : button;
}
