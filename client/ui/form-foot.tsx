import { Button } from "./button.tsx";
import { Failed } from "./failed.tsx";
import type { Asking } from "./use-asking.ts";
import { accountWords } from "./words/account-words.ts";

interface FormFootProps {
  asking: Asking;
  action: string;
  /** there is nothing to do yet */
  disabled?: boolean;
}

/** What went wrong, and the button that tries. */
export function FormFoot({ asking, action, disabled = false }: FormFootProps) {
  const busy = asking.type === "busy";
  return (
    <>
      <Failed asking={asking} />
      <div className="form-buttons">
        <Button look="primary" type="submit" disabled={busy || disabled}>
          {busy ? accountWords.busy : action}
        </Button>
      </div>
    </>
  );
}
