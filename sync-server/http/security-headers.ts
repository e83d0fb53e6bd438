import { createMiddleware } from "hono/factory";
import type { AppEnv } from "./app-env.ts";

/** The headers of every answer. Scripts run from our own files only, and nobody may frame the app. */
export function securityHeaders(publicUrl: URL | undefined): Readonly<Record<string, string>> {
  const secure = publicUrl?.protocol === "https:";
  return {
    // `connect-src 'self'` covers the socket of the same origin in every browser the app supports.
    "content-security-policy": [
      "default-src 'self'",
      "script-src 'self'",
      // Positioned menus and dialogs set style attributes.
      "style-src 'self' 'unsafe-inline'",
      "img-src 'self' data: blob:",
      `connect-src 'self'${publicUrl ? ` ${secure ? "wss" : "ws"}://${publicUrl.host}` : ""}`,
      "font-src 'self'",
      "worker-src 'self'",
      "manifest-src 'self'",
      "object-src 'none'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
      "form-action 'self'",
    ].join("; "),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ...(secure && { "strict-transport-security": "max-age=31536000; includeSubDomains" }),
  };
}

/** Puts the headers on every answer, and `no-store` on those of /api that say nothing about caching. */
export const withSecurityHeaders = (publicUrl: URL | undefined) => {
  const headers = Object.entries(securityHeaders(publicUrl));
  return createMiddleware<AppEnv>(async (c, next) => {
    // A handler that writes to the raw response (a run's stream) must carry them too.
    for (const [name, value] of headers) c.env?.outgoing?.setHeader(name, value);
    await next();
    for (const [name, value] of headers) c.res.headers.set(name, value);
    if (c.req.path.startsWith("/api") && !c.res.headers.has("cache-control"))
      c.res.headers.set("cache-control", "no-store");
  });
};
