import type { ComponentProps, MouseEvent } from "react";
import { navigate } from "wouter/use-browser-location";

type LinkProps = Omit<ComponentProps<"a">, "href"> & { href: string };

/** A link to another page of the app, which opens it in place; with a modifier key the browser does what it does. */
export function Link({ href, onClick, children, ...rest }: LinkProps) {
  const open = (event: MouseEvent<HTMLAnchorElement>): void => {
    onClick?.(event);
    const isModified = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.button !== 0;
    if (event.defaultPrevented || isModified) return;
    event.preventDefault();
    navigate(href);
  };
  return (
    <a {...rest} href={href} onClick={open}>
      {children}
    </a>
  );
}
