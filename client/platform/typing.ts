/** What a person does with the keyboard, for whoever must not disturb it. */
export interface Typing {
  /** when a key was last pressed or text came in another way, by the clock given; minus infinity before the first time */
  typedAt(): number;
  /** whether a field with words in it has the focus */
  writing(): boolean;
}

const FIELDS = "textarea, input:not([type=range], [type=checkbox], [type=radio])";

/** Watches the keyboard until the signal ends. */
export function watchTyping(now: () => number, signal: AbortSignal, page: Window = window): Typing {
  let typedAt = Number.NEGATIVE_INFINITY;
  const note = (): void => {
    typedAt = now();
  };
  for (const event of ["keydown", "input"]) page.addEventListener(event, note, { capture: true, signal });
  return {
    typedAt: () => typedAt,
    writing() {
      const field = page.document.activeElement;
      return field?.matches(FIELDS) === true && (field as HTMLInputElement | HTMLTextAreaElement).value !== "";
    },
  };
}
