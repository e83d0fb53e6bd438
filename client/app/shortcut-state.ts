export type Shortcut = "search" | "new-chat" | "shortcuts";

export interface KeyPress {
  key: string;
  ctrl: boolean;
  meta: boolean;
  shift: boolean;
  alt: boolean;
  /** the focus is where a person writes */
  writing: boolean;
}

/** What a key press asks of the whole app, wherever the focus is; single keys never while writing. */
export function shortcutOf({ key, ctrl, meta, shift, alt, writing }: KeyPress): Shortcut | undefined {
  const command = (ctrl || meta) && !alt;
  if (command && !shift && key.toLowerCase() === "k") return "search";
  if (command && shift && key.toLowerCase() === "o") return "new-chat";
  if (key === "?" && !writing && !ctrl && !meta && !alt) return "shortcuts";
  return undefined;
}
