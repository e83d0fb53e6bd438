import { useId, useLayoutEffect, useRef, useState } from "react";
import { Button } from "./button.tsx";
import "./sure-button.css";

interface SureButtonProps {
  /** what the button says, and its accessible name where that must say more */
  label: string;
  name?: string;
  look?: "plain" | "soft";
  /** asked before it is done */
  question: string;
  yes: string;
  no: string;
  /** nothing brings back what is lost */
  danger?: boolean;
  disabled?: boolean;
  onYes: () => void;
}

/** A button that asks first. The focus goes to the way out of it, and back. */
export function SureButton(props: SureButtonProps) {
  const { label, name = label, look = "plain", question, yes, no, danger = false, disabled = false, onYes } = props;
  const id = useId();
  const [sure, setSure] = useState(false);
  const first = useRef<HTMLButtonElement>(null);
  const wayOut = useRef<HTMLButtonElement>(null);
  const wasSure = useRef(false);
  useLayoutEffect(() => {
    if (sure !== wasSure.current) (sure ? wayOut : first).current?.focus();
    wasSure.current = sure;
  }, [sure]);
  if (!sure) {
    return (
      <Button ref={first} look={look} aria-label={name} disabled={disabled} onClick={() => setSure(true)}>
        {label}
      </Button>
    );
  }
  return (
    <span className="sure">
      <span id={id}>{question}</span>
      <Button
        look="soft"
        aria-describedby={id}
        {...(danger && { className: "sure-danger" })}
        onClick={() => {
          setSure(false);
          onYes();
        }}
      >
        {yes}
      </Button>
      <Button ref={wayOut} aria-describedby={id} onClick={() => setSure(false)}>
        {no}
      </Button>
    </span>
  );
}
