export type Shortcut = "search" | "new-chat" | "take-snapshot" | "shortcuts";

export interface KeyPress {
  key: string;
  ctrl: boolean;
  meta: boolean;
  shift: boolean;
  alt: boolean;
  /** the focus is where a person writes */
  writing: boolean;
}

const COMMANDS: Readonly<Record<string, Shortcut>> = { k: "search", "shift+o": "new-chat", "shift+s": "take-snapshot" };

/** What a key press asks of the whole app, wherever the focus is; single keys never while writing. */
export function shortcutOf({ key, ctrl, meta, shift, alt, writing }: KeyPress): Shortcut | undefined {
  if (alt) return undefined;
  if (ctrl || meta) return COMMANDS[(shift ? "shift+" : "") + key.toLowerCase()];
  return key === "?" && !writing ? "shortcuts" : undefined;
}
