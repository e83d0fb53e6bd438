import { sendBytes } from "./attacked-server.ts";
import { asJson } from "./canary-sign-ins.ts";
import type { CanaryAsker } from "./canary-sign-ins.ts";

/** The canaries that are said. */
interface Said {
  prompt: string;
  systemPrompt: string;
  email: string;
  password: string;
  key: string;
}

/** Whatever no app sends, with everything in it that must not turn up. */
export async function sayNonsense(
  { url, ask, hear }: CanaryAsker,
  { prompt, systemPrompt, email, password, key }: Said,
  cookie: string,
): Promise<void> {
  const all = { email, password, token: key, [prompt]: systemPrompt, [email]: [password] };
  const broken = `{"email":"${email}","password":"${password}","${prompt}":`;
  const paths = [
    "sign-in",
    "sign-up",
    "password/forgot",
    "password/reset",
    "email/verify",
    "oidc/start",
    "passkey/sign-in",
  ];
  for (const path of paths) {
    await ask("POST", `/api/auth/${path}`, asJson(all));
    await ask("POST", `/api/auth/${path}`, { body: broken, headers: { "content-type": "application/json" } });
    await ask("POST", `/api/auth/${path}`, { body: broken, headers: { "content-type": prompt } });
  }
  for (const path of [
    "/api/tokens",
    "/api/workspaces",
    "/api/account/password",
    "/api/invites/accept",
    "/api/passkeys",
  ]) {
    await ask("POST", path, asJson(all, cookie));
    await ask("POST", path, { body: broken, cookie, headers: { "content-type": "application/json" } });
  }
  const where = `${prompt}/${encodeURIComponent(email)}?password=${encodeURIComponent(password)}&key=${key}`;
  for (const method of ["GET", "POST", "DELETE", prompt.slice(0, 6).toUpperCase()])
    for (const path of [`/api/${where}`, `/api/auth/${where}`, `/${where}`, `/api/auth/sign-in/${where}`])
      await ask(method, path, { cookie }).catch(() => undefined);
  await ask("GET", "/api/me", { cookie: `holdfast.session_token=${prompt}.${key}` });
  await ask("GET", "/api/me", { cookie, headers: { "x-holdfast-workspace": prompt, "x-forwarded-for": prompt } });
  await ask("POST", "/api/auth/sign-in", {
    ...asJson(all),
    headers: { "content-type": "application/json", host: prompt },
  });
  for (const bytes of [
    `GET /api/me HTTP/1.1\r\nhost: localhost\r\n${prompt} ${key}\r\n\r\n`,
    `${prompt} ${key}\r\n\r\n`,
    `POST /api/auth/sign-in HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${prompt}\r\n\r\n`,
  ])
    hear("bytes", 400, await sendBytes(Number(new URL(url).port), bytes));
}
