/** The outcome of something that may fail in an expected way: a value, or a failure with a stable code. */
export type Result<T, F = string> = { ok: true; value: T } | { ok: false; failure: F };

export const ok = <T>(value: T): { ok: true; value: T } => ({ ok: true, value });
export const err = <F>(failure: F): { ok: false; failure: F } => ({ ok: false, failure });
