import { useId } from "react";
import type { ComponentProps } from "react";
import "./form.css";

/** A text field with its name above it. */
export function Field({ label, hint, ...input }: ComponentProps<"input"> & { label: string; hint?: string }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} {...(hint !== undefined && { "aria-describedby": `${id}-hint` })} {...input} />
      {hint !== undefined && (
        <span className="field-hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
    </div>
  );
}
