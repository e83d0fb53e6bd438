import { useLayoutEffect, useRef } from "react";

interface TitleFieldProps {
  label: string;
  title: string;
  /** with another title than before; then it closes */
  onSave: (title: string) => void;
  onClose: () => void;
}

/** Edits a name in place: Enter or leaving keeps it, Escape drops the change. */
export function TitleField({ label, title, onSave, onClose }: TitleFieldProps) {
  const field = useRef<HTMLInputElement>(null);
  const done = useRef(false);
  useLayoutEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  const finish = (next: string | undefined): void => {
    if (done.current) return;
    done.current = true;
    if (next !== undefined && next.trim() !== title) onSave(next.trim());
    onClose();
  };
  return (
    <input
      ref={field}
      className="title-field"
      aria-label={label}
      defaultValue={title}
      maxLength={200}
      autoComplete="off"
      dir="auto"
      onBlur={(event) => finish(event.target.value)}
      onKeyDown={(event) => {
        // Safari ends the composition before this event; it marks the key with 229 instead.
        if (event.nativeEvent.isComposing || event.nativeEvent.keyCode === 229) return;
        if (event.key === "Enter") finish(event.currentTarget.value);
        if (event.key === "Escape") {
          event.stopPropagation();
          finish(undefined);
        }
      }}
    />
  );
}
