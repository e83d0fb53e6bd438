import { useId } from "react";
import type { ReactNode, Ref } from "react";
import "./form.css";

interface SectionProps {
  title: string;
  about?: string;
  /** its title, to be given the focus */
  heading?: Ref<HTMLHeadingElement>;
  children?: ReactNode;
}

/** One part of a dialog, with its heading. */
export function Section({ title, about, heading, children }: SectionProps) {
  const id = useId();
  return (
    <section className="form-section" aria-labelledby={id}>
      <h3 id={id} ref={heading} tabIndex={-1}>
        {title}
      </h3>
      {about !== undefined && <p className="form-hint">{about}</p>}
      {children}
    </section>
  );
}
