import { Button } from "./button.tsx";
import { Failed } from "./failed.tsx";
import type { Asking } from "./use-asking.ts";
import { accountWords } from "./words/account-words.ts";

interface FormFootProps {
  asking: Asking;
  action: string;
  /** where it is one of several things to do */
  look?: "primary" | "soft";
}

/** What went wrong, and the button that tries. */
export function FormFoot({ asking, action, look = "primary" }: FormFootProps) {
  const busy = asking.type === "busy";
  return (
    <>
      <Failed asking={asking} />
      <div className="form-buttons">
        <Button look={look} type="submit" disabled={busy}>
          {busy ? accountWords.busy : action}
        </Button>
      </div>
    </>
  );
}
