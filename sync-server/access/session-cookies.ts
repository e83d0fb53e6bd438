import { createHmac } from "node:crypto";

interface CookieOptions {
  /** what the names of the cookies begin with */
  prefix: string;
  /** signs them */
  secret: string;
  secure: boolean;
  /** how long a session lasts, in seconds */
  lastsS: number;
}

/**
 * better-auth knows of shared devices only where a password is shown. Elsewhere its cookies are made here what they are
 * there: on a shared device the session's cookie ends with the browser, and a mark beside it says so.
 */
export function createSessionCookies({ prefix, secret, secure, lastsS }: CookieOptions) {
  const [session, mark] = [`${prefix}.session_token=`, `${prefix}.dont_remember=`];
  const attributes = `; Path=/; HttpOnly${secure ? "; Secure" : ""}; SameSite=Lax`;
  const signature = createHmac("sha256", secret).update("true").digest("base64");
  const set = `${mark}${encodeURIComponent(`true.${signature}`)}${attributes}`;
  const end = `${mark}; Max-Age=0${attributes}`;

  function lasting(line: string, sharedDevice: boolean): string {
    if (!line.startsWith(session)) return line;
    const bare = line.replace(/; Max-Age=\d+/i, "");
    return sharedDevice ? bare : `${bare}; Max-Age=${lastsS}`;
  }

  /** Whether whoever has these cookies said that the device is shared. */
  const isShared = (asked: Headers): boolean => (asked.get("cookie") ?? "").includes(mark);

  return {
    /** The cookies of a sign-in, as they are sent to the browser that asked with these. */
    settle(cookies: readonly string[], asked: Headers, sharedDevice: boolean): string[] {
      const others = cookies.filter((line) => !line.startsWith(mark)).map((line) => lasting(line, sharedDevice));
      if (sharedDevice) return [...others, set];
      return isShared(asked) ? [...others, end] : others;
    },
    isShared,
    /** The session's cookie under the name it has today, for a browser that has it under the one before. */
    renamed(asked: Headers): string[] {
      const cookie = asked.get("cookie") ?? "";
      const before = /(?:^|;\s*)__Secure-holdfast\.session_token=([^;]+)/.exec(cookie)?.[1];
      if (before === undefined || cookie.includes(session)) return [];
      return [`${session}${before}; Max-Age=${lastsS}${attributes}`];
    },
    /** The token of the session that they set. */
    tokenIn(cookies: readonly string[]): string | undefined {
      const line = cookies.find((one) => one.startsWith(session));
      return line && decodeURIComponent(line.slice(session.length)).split(".", 1)[0];
    },
  };
}
