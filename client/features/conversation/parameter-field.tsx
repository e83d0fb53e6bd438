import { useId, useState } from "react";
import { formatNumber } from "#client/ui/words/format.ts";
import { dialogWords } from "#client/ui/words/dialog-words.ts";
import { scaleOf, typedValue } from "./parameter-scale.ts";

interface ParameterFieldProps {
  label: string;
  hint: string;
  /** absent: as the provider likes */
  value: number | undefined;
  bounds: { min: number; max: number; step: number };
  onChange: (value: number | undefined) => void;
}

/** A number as a slider and as a field; empty means the provider's default. */
export function ParameterField({ label, hint, value, bounds, onChange }: ParameterFieldProps) {
  const [typed, setTyped] = useState<string>();
  const hintId = useId();
  const scale = scaleOf(bounds);
  const middle = (scale.min + scale.max) / 2;
  return (
    <div className="parameter" data-unset={value === undefined || undefined}>
      <span className="settings-name" aria-hidden="true">
        {label}
      </span>
      <input
        type="number"
        aria-label={label}
        aria-describedby={hintId}
        min={bounds.min}
        max={bounds.max}
        step={bounds.step}
        placeholder={dialogWords.settings.providerDefault}
        value={typed ?? value ?? ""}
        onChange={(event) => {
          setTyped(event.target.value);
          onChange(typedValue(event.target.value, bounds));
        }}
        onBlur={() => setTyped(undefined)}
      />
      <input
        type="range"
        aria-label={label}
        aria-describedby={hintId}
        aria-valuetext={value === undefined ? dialogWords.settings.providerDefault : formatNumber(value)}
        min={scale.min}
        max={scale.max}
        step={scale.step}
        value={value === undefined ? middle : scale.toPlace(value)}
        onChange={(event) => onChange(scale.toValue(Number(event.target.value)))}
      />
      <span className="settings-hint" id={hintId}>
        {hint}
      </span>
    </div>
  );
}
