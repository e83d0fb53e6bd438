import type { AccountId } from "#shared/domain/ids.ts";

/** What better-auth answered, without the token that it puts into its bodies. */
export interface AuthAnswer {
  ok: boolean;
  status: number;
  /** better-auth's own code for a refusal */
  code: string | undefined;
  cookies: string[];
  /** who is signed in now, where that was asked for */
  accountId: AccountId | undefined;
  /** where the browser is to be sent */
  leadsTo: string | undefined;
}

/**
 * A call of ours in the name of a request: its cookies and its origin, and none of its body. A program that sends no
 * origin, as the app lets it, is its own.
 */
export function requestOf(path: string, from: Request, body: Record<string, unknown> | undefined): Request {
  const headers = new Headers(body && { "content-type": "application/json" });
  for (const name of ["cookie", "host", "user-agent"]) {
    const value = from.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  headers.set("origin", from.headers.get("origin") ?? new URL(from.url).origin);
  return new Request(new URL(`/api/auth${path}`, from.url), {
    method: body ? "POST" : "GET",
    headers,
    ...(body && { body: JSON.stringify(body) }),
  });
}

/**
 * A request without the cookie of a session that is over. Meeting it after a sign-in, better-auth takes back the cookie
 * that it has just set.
 */
export function withoutSession({ url, headers }: Request): Request {
  const bare = new Headers(headers);
  const cookies = (headers.get("cookie") ?? "")
    .split(/;\s*/)
    .filter((one) => !/^[\w-]*holdfast\.session_token=/.test(one));
  bare.set("cookie", cookies.join("; "));
  return new Request(url, { headers: bare });
}

export async function answerOf(answer: Response): Promise<AuthAnswer> {
  const said: unknown = await answer.json().catch(() => undefined); // an answer without a body says nothing
  return {
    ok: answer.ok,
    status: answer.status,
    code: textIn(said, "code"),
    cookies: answer.headers.getSetCookie(),
    accountId: textIn(fieldOf(said, "user"), "id") as AccountId | undefined,
    leadsTo: answer.headers.get("location") ?? textIn(said, "url"),
  };
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && name in value ? (value as Record<string, unknown>)[name] : undefined;

function textIn(value: unknown, name: string): string | undefined {
  const text = fieldOf(value, name);
  return typeof text === "string" ? text : undefined;
}
