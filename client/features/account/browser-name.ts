// In this order: each names those behind it too.
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/Edg\//u, "Edge"],
  [/OPR\//u, "Opera"],
  [/Firefox\//u, "Firefox"],
  [/Chrom(?:e|ium)\//u, "Chrome"],
  [/Safari\//u, "Safari"],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/iPhone|iPad/u, "iOS"],
  [/Android/u, "Android"],
  [/Windows/u, "Windows"],
  [/Mac OS X/u, "macOS"],
  [/CrOS/u, "ChromeOS"],
  [/Linux/u, "Linux"],
];

/** What a browser is called that said this of itself, e.g. "Firefox, Linux"; `undefined` where it says nothing known. */
export function browserName(userAgent: string | undefined): string | undefined {
  const found = [BROWSERS, SYSTEMS].flatMap((table) => table.find(([mark]) => mark.test(userAgent ?? ""))?.[1] ?? []);
  return found.length > 0 ? found.join(", ") : undefined;
}
