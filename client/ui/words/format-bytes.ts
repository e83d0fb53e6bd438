import { words } from "./words.ts";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** An amount of storage as "850 byte", "4.2 MB". */
export function formatBytes(bytes: number): string {
  const size = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return new Intl.NumberFormat(words.locale, {
    style: "unit",
    unit: UNITS[size] ?? "byte",
    unitDisplay: "short",
    maximumFractionDigits: 1,
  }).format(bytes / 1000 ** size);
}
