/** When a page showed what a person starts with, in ms since its navigation began. */
export interface Started {
  composer: number;
  rows: number;
}

declare global {
  var started: Promise<Started>;
}

/** Runs in the page before the app: notes, frame by frame, when the composer takes text and the list has its rows. */
export function startProbe(rows: number): void {
  const seen: Partial<Started> = {};
  globalThis.started = new Promise((resolve) => {
    const look = (): void => {
      // What is there at the start of a frame was painted with the one before.
      const field = document.querySelector<HTMLTextAreaElement>("textarea[aria-label=Message]");
      const takesText = field !== null && !field.disabled && !field.readOnly;
      if (seen.composer === undefined && takesText) seen.composer = performance.now();
      const shown = document.querySelectorAll("nav[aria-label=Library] li a").length;
      if (seen.rows === undefined && shown >= rows) seen.rows = performance.now();
      if (seen.composer !== undefined && seen.rows !== undefined) resolve(seen as Started);
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}
