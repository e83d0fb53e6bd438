/** A guest account as a program uses it: one cookie and a `fetch` that carries it. */
export interface Guest {
  /** for a `cookie` header, e.g. of a WebSocket */
  readonly cookie: string;
  /** Fetches a path of the server as this guest, from the server's own origin. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** Makes a new guest account, as the first contact of a browser does. */
export async function signInGuest(serverUrl: string): Promise<Guest> {
  const response = await fetch(`${serverUrl}/api/auth/sign-in/anonymous`, {
    method: "POST",
    headers: { origin: serverUrl, "content-type": "application/json" },
    body: "{}",
  });
  if (!response.ok) throw new Error(`no guest account: ${response.status} ${await response.text()}`);
  const cookie = response.headers
    .getSetCookie()
    .map((line) => line.split(";", 1)[0] ?? "")
    .join("; ");
  return guestAt(serverUrl, cookie);
}

/** The guest of a cookie, who reaches the server at this address. */
export const guestAt = (serverUrl: string, cookie: string): Guest => ({
  cookie,
  fetch(path, init = {}) {
    const headers = new Headers(init.headers);
    headers.set("cookie", cookie);
    headers.set("origin", serverUrl);
    return fetch(serverUrl + path, { ...init, headers });
  },
});
