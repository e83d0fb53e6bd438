const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Whether a request that changes something, or upgrades, comes from the app itself.
 * A browser always sends `Origin` on these. A request without it comes from a program, which has no cookie
 * of somebody else to abuse; if it still says it is cross-site, it is refused.
 * @param publicUrl where people reach the server; without it the request's own `Host` counts
 */
export function isOwnOrigin(headers: Headers, publicUrl: URL | undefined): boolean {
  const origin = headers.get("origin");
  if (origin === null) return [null, "none", "same-origin"].includes(headers.get("sec-fetch-site"));
  if (publicUrl) return origin === publicUrl.origin;
  const host = headers.get("host");
  return host !== null && (origin === `http://${host}` || origin === `https://${host}`);
}

export const isSafeMethod = (method: string): boolean => SAFE_METHODS.has(method);
