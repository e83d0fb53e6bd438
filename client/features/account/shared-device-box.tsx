import { useId } from "react";
import { accountWords } from "#client/ui/words/account-words.ts";

const said = accountWords.sharedDevice;

interface SharedDeviceBoxProps {
  checked: boolean;
  onChange: (checked: boolean) => void;
}

/** For a device that others use too: whoever signs in there leaves nothing behind. */
export function SharedDeviceBox({ checked, onChange }: SharedDeviceBoxProps) {
  const hint = useId();
  return (
    <div className="account-checks">
      <label>
        <input
          type="checkbox"
          aria-describedby={hint}
          checked={checked}
          onChange={(event) => onChange(event.target.checked)}
        />
        {said.label}
      </label>
      <span className="field-hint" id={hint}>
        {said.hint}
      </span>
    </div>
  );
}
