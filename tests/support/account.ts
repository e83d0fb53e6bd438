import { createUuidV7 } from "#shared/lib/uuid.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import type { CreatedInvite } from "#shared/protocol/workspace-bodies.ts";
import { guestAt } from "./guest.ts";
import type { Guest } from "./guest.ts";

/** An account that is signed in, as a program uses it. */
export interface Account extends Guest {
  readonly me: Me;
  /** of the server */
  readonly url: string;
  /** Sends JSON as this account. */
  send(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Response>;
}

export const PASSWORD = "kelp holds fast to rock";

let made = 0;
const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
const newId = (): string => createUuidV7(Date.now(), randomBytes);

/** Posts JSON to a route of signing in, as somebody who has these cookies. */
export const postAuth = (url: string, path: string, body: object, cookie = ""): Promise<Response> =>
  fetch(`${url}/api/auth/${path}`, {
    method: "POST",
    headers: { origin: url, "content-type": "application/json", ...(cookie !== "" && { cookie }) },
    body: JSON.stringify(body),
  });

/** The cookies an answer sets, as a browser would send them back; what is deleted is left out. */
export const cookiesOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .filter((line) => !/max-age=0/i.test(line))
    .map((line) => line.split(";", 1)[0] ?? "")
    .join("; ");

async function accountOf(url: string, response: Response): Promise<Account> {
  if (response.status !== 204) throw new Error(`not signed in: ${response.status} ${await response.text()}`);
  return accountAt(url, cookiesOf(response));
}

/** The account, or guest, of a cookie. */
export async function accountAt(url: string, cookie: string): Promise<Account> {
  const guest = guestAt(url, cookie);
  const me = (await (await guest.fetch("/api/me")).json()) as Me;
  return {
    ...guest,
    me,
    url,
    send: (method, path, body, headers = {}) =>
      guest.fetch(path, {
        method,
        headers: { ...headers, ...(body && { "content-type": "application/json" }) },
        ...(body && { body: JSON.stringify(body) }),
      }),
  };
}

export const newEmail = (): string => `person-${(made += 1)}-${newId().slice(-12)}@example.org`;

/** Makes an account: of a guest, where a cookie is given. */
export const signUp = async (url: string, email = newEmail(), cookie = "", name = "Ada"): Promise<Account> =>
  accountOf(url, await postAuth(url, "sign-up", { email, password: PASSWORD, name }, cookie));

export const signIn = async (url: string, email: string, cookie = "", password = PASSWORD): Promise<Account> =>
  accountOf(url, await postAuth(url, "sign-in", { email, password }, cookie));

/** What an answer comes to: its status, and the code of a problem. */
export async function saidBy(response: Response): Promise<string> {
  const text = await response.text();
  return response.status < 400
    ? `${response.status}`
    : `${response.status} ${(JSON.parse(text) as { code: string }).code}`;
}

/** A team of an owner; answers its id. */
export async function createTeam(owner: Account, name = "Kelp"): Promise<string> {
  const id = newId();
  const created = await owner.send("POST", "/api/workspaces", { id, name });
  if (created.status !== 201) throw new Error(`no team: ${created.status} ${await created.text()}`);
  return id;
}

/** Has somebody join a team in a role, by a link that its owner makes. */
export async function joinTeam(owner: Account, team: string, who: Account, role: string): Promise<void> {
  const invited = await owner.send("POST", `/api/workspaces/${team}/invites`, { id: newId(), role });
  const { token } = (await invited.json()) as CreatedInvite;
  const joined = await who.send("POST", "/api/invites/accept", { token });
  if (joined.status !== 200) throw new Error(`not joined: ${joined.status} ${await joined.text()}`);
}
