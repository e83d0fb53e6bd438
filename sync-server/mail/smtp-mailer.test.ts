import { afterEach, expect, test } from "vitest";
import { openEndlessServer, openMailServer } from "#tests/support/mail-server.ts";
import type { MailServer, MailServerOptions } from "#tests/support/mail-server.ts";
import { headerOf } from "#tests/support/mail-reading.ts";
import { createSelfSignedCertificate } from "#tests/support/self-signed-certificate.ts";
import { MailFailure } from "./mailer.ts";
import type { Mail, Mailer } from "./mailer.ts";
import { openSmtpMailer } from "./smtp-mailer.ts";
import type { SmtpSettings } from "./smtp-mailer.ts";
import { writeLetter } from "./words.ts";

const HOUR_MS = 3_600_000;
const to = "mira@example.net";
const link = new URL("https://chat.example.org/verify?token=abc&next=%2F");
const MAILS = {
  verify: { kind: "verify-email", to, link, lastsMs: 24 * HOUR_MS },
  reset: { kind: "reset-password", to, link, lastsMs: HOUR_MS },
  known: { kind: "sign-up-known", to, link },
  invite: { kind: "invite", to, link, lastsMs: 168 * HOUR_MS, workspace: "Öl & Co", inviter: "Zoë", role: "guest" },
} as const satisfies Record<string, Mail>;

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of opened.splice(0).toReversed()) await part.close();
});

async function aMailServer(options?: MailServerOptions): Promise<MailServer> {
  const server = await openMailServer(options);
  opened.push(server);
  return server;
}

function aMailer(address: string, settings?: Pick<SmtpSettings, "ca" | "stepMs">): Mailer {
  const mailer = openSmtpMailer({ url: new URL(address), from: "Holdfast <holdfast@chat.example.org>", ...settings });
  opened.push(mailer);
  return mailer;
}

test.each(Object.values(MAILS))("$kind arrives as it was written", async (mail) => {
  const server = await aMailServer();
  await aMailer(`smtp://127.0.0.1:${server.port}`).send(mail);
  const [received] = server.received;
  expect(received).toMatchObject({ from: "holdfast@chat.example.org", to: [to] });
  const { subject, text, html } = writeLetter(mail);
  expect(received).toMatchObject({ subject, text: text.trimEnd(), html: html.trimEnd() });
  expect(headerOf(received!.headers, "from")).toBe("Holdfast <holdfast@chat.example.org>");
  expect(headerOf(received!.headers, "to")).toBe(to);
  expect(headerOf(received!.headers, "auto-submitted")).toBe("auto-generated");
});

test("a name cannot add a header, a part or a recipient", async () => {
  const server = await aMailServer();
  const workspace = "A\r\nBcc: eve@example.net\r\nX-Evil: 1\r\n\r\n.\r\nRCPT TO:<eve@example.net>";
  const mailer = aMailer(`smtp://127.0.0.1:${server.port}`);
  await mailer.send({ ...MAILS.invite, workspace, inviter: workspace });
  const [received] = server.received;
  expect(received!.to).toEqual([to]);
  expect(received!.subject).toBe(writeLetter({ ...MAILS.invite, workspace }).subject);
  expect(received!.headers.map((header) => header.slice(0, header.indexOf(":")).toLowerCase()).toSorted()).toEqual(
    ["auto-submitted", "content-type", "date", "from", "message-id", "mime-version", "subject", "to"].concat(
      "x-auto-response-suppress",
    ),
  );
});

test.each(["a@example.net\r\nBcc: eve@example.net", "a@example.net, eve@example.net", "A <a@example.net>", "a", ""])(
  "what is not one address gets no mail: %j",
  async (address) => {
    const server = await aMailServer();
    const sending = aMailer(`smtp://127.0.0.1:${server.port}`).send({ ...MAILS.verify, to: address });
    await expect(sending).rejects.toMatchObject({ code: "not-an-address", again: "never" });
    expect(server.received).toEqual([]);
  },
);

test("signs in with the name and password of SMTP_URL", async () => {
  const server = await aMailServer({ user: { name: "holdfast@example.org", password: "p:/ %ä" } });
  await aMailer(`smtp://holdfast%40example.org:p%3A%2F%20%25%C3%A4@127.0.0.1:${server.port}`).send(MAILS.reset);
  expect(server.received).toMatchObject([{ user: "holdfast@example.org" }]);
  const refused = aMailer(`smtp://holdfast%40example.org:wrong@127.0.0.1:${server.port}`).send(MAILS.reset);
  await expect(refused).rejects.toMatchObject({ code: "535", again: "never" });
});

test("switches to TLS before it signs in, with a certificate it trusts", async () => {
  const tls = createSelfSignedCertificate();
  const server = await aMailServer({ tls, user: { name: "holdfast", password: "canary" } });
  const address = `smtp://holdfast:canary@localhost:${server.port}?tls=on`;
  await aMailer(address, { ca: tls.cert }).send(MAILS.verify);
  expect(server.received).toMatchObject([{ secure: true, user: "holdfast" }]);
  await expect(aMailer(address).send(MAILS.verify)).rejects.toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  expect(server.received).toHaveLength(1);
});

test("tells a mail server without TLS nothing", async () => {
  const server = await aMailServer({ user: { name: "holdfast", password: "canary" } });
  const sending = aMailer(`smtp://holdfast:canary@127.0.0.1:${server.port}?tls=on`).send(MAILS.verify);
  await expect(sending).rejects.toMatchObject({ again: "never" });
  expect(server.received).toEqual([]);
});

test("what the mail server refuses for now may be tried again, the rest not; none of its words are kept", async () => {
  const refusals = [
    { code: 450, words: `${to}: come back later` },
    { code: 550, words: `${to}: nobody of that name` },
  ];
  const server = await aMailServer({ refusal: () => refusals.shift() });
  const mailer = aMailer(`smtp://127.0.0.1:${server.port}`);
  const failures = [await mailer.send(MAILS.known).catch((e: unknown) => e)];
  failures.push(await mailer.send(MAILS.known).catch((e: unknown) => e));
  expect(failures).toMatchObject([
    { code: "450", again: "later", message: "A mail was not sent (450)" },
    { code: "550", again: "never", message: "A mail was not sent (550)" },
  ]);
  expect(failures.map((failure) => (failure as Error).cause)).toEqual([undefined, undefined]);
  await mailer.send(MAILS.known);
  expect(server.received).toHaveLength(1);
});

test("a mail server that is away, or busy, may be tried again", async () => {
  const server = await openMailServer();
  await server.close();
  const away = aMailer(`smtp://127.0.0.1:${server.port}`).send(MAILS.verify);
  await expect(away).rejects.toMatchObject({ code: "ECONNREFUSED", again: "later" });
  const { port } = await aMailServer({ busy: true });
  const busy = aMailer(`smtp://127.0.0.1:${port}`).send(MAILS.verify);
  await expect(busy).rejects.toMatchObject({ code: "421", again: "later" });
});

test.each([
  ["silent", "ETIMEDOUT"],
  ["talking", "EABORT"],
] as const)("a %s mail server that never comes to an end is given up", async (manner, code) => {
  const server = await openEndlessServer(manner);
  opened.push(server);
  const sending = aMailer(`smtp://127.0.0.1:${server.port}`, { stepMs: 500 }).send(MAILS.verify);
  await expect(sending).rejects.toMatchObject({ code, again: "later" });
});

test("closing gives up a mail that is under way", async () => {
  const server = await openEndlessServer("silent");
  opened.push(server);
  const mailer = aMailer(`smtp://127.0.0.1:${server.port}`);
  const sending = mailer.send(MAILS.verify).catch((failure: unknown) => failure);
  await mailer.close();
  expect(await sending).toBeInstanceOf(MailFailure);
});
