interface Bounds {
  min: number;
  max: number;
  step: number;
}

/** A slider over more steps than this moves by doublings instead. */
const LINEAR_STEPS = 1000;

export interface Scale {
  min: number;
  max: number;
  step: number;
  toPlace(value: number): number;
  toValue(place: number): number;
}

/** How a slider's places stand for values: evenly, or by doublings where the range is too wide for that. */
export function scaleOf({ min, max, step }: Bounds): Scale {
  if ((max - min) / step <= LINEAR_STEPS) {
    return { min, max, step, toPlace: (value) => value, toValue: (place) => Number(place.toFixed(4)) };
  }
  return {
    min: Math.log2(min),
    max: Math.log2(max),
    step: 0.5,
    toPlace: (value) => Math.log2(value),
    toValue: (place) => Math.min(max, Math.max(min, Math.round(2 ** place))),
  };
}

/** What a person typed as a number within bounds, or `undefined` for nothing or no number. */
export function typedValue(text: string, { min, max, step }: Bounds): number | undefined {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) return undefined;
  const inside = Math.min(max, Math.max(min, value));
  return step === 1 ? Math.round(inside) : inside;
}
