/** What the person may tune about sampling; an absent field means "as the provider likes". */
export interface RunParameters {
  /** 0 to 2 */
  temperature?: number | undefined;
  /** 0 to 1 */
  topP?: number | undefined;
  /** tokens, 1 to 1,000,000 */
  maxOutputTokens?: number | undefined;
}

/** Inclusive bounds and steps, used by the schemas on the server and the controls on the client. */
export const PARAMETER_BOUNDS = {
  temperature: { min: 0, max: 2, step: 0.1 },
  topP: { min: 0, max: 1, step: 0.05 },
  maxOutputTokens: { min: 1, max: 1_000_000, step: 1 },
} as const;

/** Keeps the fields that are numbers within bounds; everything else is dropped. */
export function clampParameters(raw: Record<string, unknown>): RunParameters {
  const parameters: RunParameters = {};
  for (const key of Object.keys(PARAMETER_BOUNDS) as (keyof typeof PARAMETER_BOUNDS)[]) {
    const value = raw[key];
    const { min, max } = PARAMETER_BOUNDS[key];
    if (typeof value === "number" && Number.isFinite(value) && value >= min && value <= max) parameters[key] = value;
  }
  return parameters;
}
