import type { ComponentPropsWithRef } from "react";
import { Icon } from "./icon.tsx";
import type { IconName } from "./icon.tsx";
import "./button.css";

type ButtonProps = ComponentPropsWithRef<"button"> & { look?: "plain" | "primary" | "soft"; icon?: IconName };

/** A button with words. */
export function Button({ look = "plain", icon, children, className, ...rest }: ButtonProps) {
  return (
    <button type="button" className={className ? `button ${className}` : "button"} data-look={look} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

type IconButtonProps = Omit<ComponentPropsWithRef<"button">, "children"> & { icon: IconName; label: string };

/** A button that shows only an icon; `label` is its accessible name and its tooltip. */
export function IconButton({ icon, label, className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      className={className ? `button ${className}` : "button"}
      data-look="icon"
      aria-label={label}
      title={label}
      {...rest}
    >
      <Icon name={icon} />
    </button>
  );
}
