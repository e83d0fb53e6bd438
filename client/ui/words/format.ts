import { numbersIn } from "./numbers-in.ts";
import { words } from "./words.ts";

/** "12,345" */
export const formatNumber = numbersIn(words.locale);

const unit = (value: number, name: string, digits = 0): string =>
  new Intl.NumberFormat(words.locale, {
    style: "unit",
    unit: name,
    unitDisplay: "short",
    maximumFractionDigits: digits,
  }).format(value);

/** A length of time in ms as "850 ms", "4.2 s" or "2 min 5 s". */
export function formatDuration(ms: number): string {
  if (ms < 1000) return unit(Math.round(ms), "millisecond");
  if (ms < 60_000) return unit(ms / 1000, "second", 1);
  const seconds = Math.round(ms / 1000);
  return `${unit(Math.floor(seconds / 60), "minute")} ${unit(seconds % 60, "second")}`;
}

/** Millionths of a US dollar as money, with as many digits as a small price needs. */
export const formatCost = (microUsd: number): string =>
  new Intl.NumberFormat(words.locale, {
    style: "currency",
    currency: "USD",
    minimumFractionDigits: 2,
    maximumFractionDigits: microUsd < 10_000 ? 6 : 4,
  }).format(microUsd / 1_000_000);
