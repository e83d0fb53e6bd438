import { afterEach, expect, test } from "vitest";
import { createKeptLog } from "#tests/support/kept-log.ts";
import { openEndlessServer, openMailServer } from "#tests/support/mail-server.ts";
import type { MailServer, MailServerOptions } from "#tests/support/mail-server.ts";
import { deferred } from "#tests/support/waiting.ts";
import { createMailQueue } from "./mail-queue.ts";
import type { MailQueue } from "./mail-queue.ts";
import { MailFailure } from "./mailer.ts";
import type { Mail, Mailer } from "./mailer.ts";
import { openSmtpMailer } from "./smtp-mailer.ts";

const link = new URL("https://chat.example.org/verify?token=canary-token");
const mailTo = (to: string): Mail => ({ kind: "verify-email", to, link, lastsMs: 86_400_000 });
const mail = mailTo("canary-mira@example.net");
const never = new Promise<void>(() => undefined);

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of opened.splice(0).toReversed()) await part.close();
});

async function aMailServer(options?: MailServerOptions): Promise<MailServer> {
  const server = await openMailServer(options);
  opened.push(server);
  return server;
}

/** A queue whose waits are over at once, and the waits it asked for. */
function aQueue(mailer: Partial<Mailer>, waitFor: (ms: number) => Promise<void> = () => Promise.resolve()) {
  const { log, lines, text } = createKeptLog();
  const waits: number[] = [];
  const wait = (ms: number, signal: AbortSignal): Promise<void> => {
    waits.push(ms);
    const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    return signal.aborted ? Promise.resolve() : Promise.race([waitFor(ms), aborted]);
  };
  const queue: MailQueue = createMailQueue(
    { send: () => never, close: async () => undefined, ...mailer },
    { log, wait },
  );
  return { queue, waits, lines, text };
}

function toSmtp(port: number, stepMs?: number): Mailer {
  const url = new URL(`smtp://u:canary-password@127.0.0.1:${port}`);
  return openSmtpMailer({ url, from: "holdfast@example.org", ...(stepMs !== undefined && { stepMs }) });
}

test("a mail refused for now twice is sent the third time", async () => {
  const refusals = ["later", "later still"].map((words) => ({ code: 451, words: `${mail.to}: ${words}` }));
  const server = await aMailServer({ refusal: () => refusals.shift() });
  const { queue, waits, lines, text } = aQueue(toSmtp(server.port));
  opened.push(queue);
  queue.send(mail);
  await expect.poll(() => server.received).toMatchObject([{ to: [mail.to] }]);
  expect(waits).toEqual([250, 5_000, 60_000]);
  expect(lines()).toMatchObject([
    { level: "warn", mail: "verify-email", code: "451" },
    { level: "warn", mail: "verify-email", code: "451" },
  ]);
  expect(text()).not.toContain("canary");
});

test("a mail server that is away, hangs or refuses for good is only spoken of in the log, without address, link or password", async () => {
  const gone = await openMailServer();
  await gone.close();
  const strict = await aMailServer({ user: { name: "u", password: "another" } });
  const full = await aMailServer({ refusal: (address) => ({ code: 552, words: `${address} is full` }) });
  const endless = await openEndlessServer("silent");
  opened.push(endless);
  const expected = [
    { port: endless.port, code: "ETIMEDOUT", tries: 4, stepMs: 100 },
    { port: gone.port, code: "ECONNREFUSED", tries: 4 },
    { port: strict.port, code: "535", tries: 1 },
    { port: full.port, code: "552", tries: 1 },
  ];
  for (const { port, code, tries, stepMs } of expected) {
    const { queue, lines, text } = aQueue(toSmtp(port, stepMs));
    opened.push(queue);
    queue.send(mail);
    await expect.poll(lines).toHaveLength(tries);
    expect(lines().at(-1)).toMatchObject({ level: "error", mail: "verify-email", code, msg: "a mail was not sent" });
    expect(text()).not.toMatch(/canary|@|example/);
  }
});

test("taking a mail does no work at once", async () => {
  const begun: Mail[] = [];
  const started = deferred();
  const { queue } = aQueue({ send: async (given) => void begun.push(given) }, () => started.promise);
  queue.send(mail);
  await new Promise(setImmediate);
  expect(begun).toEqual([]);
  started.resolve();
  await expect.poll(() => begun).toEqual([mail]);
});

test("two are sent at once, and no more than 500 wait", async () => {
  const begun: string[] = [];
  const { queue, lines } = aQueue({ send: ({ to }) => (begun.push(to), never) });
  for (let index = 0; index < 502; index++) queue.send(mailTo(`${index}@example.net`));
  expect(lines()).toMatchObject([{ mail: "verify-email", code: "queue-full" }, { code: "queue-full" }]);
  await new Promise(setImmediate);
  expect(begun).toEqual(["0@example.net", "1@example.net"]);
});

test("a mail that waits to be tried again holds up no other", async () => {
  const sent: string[] = [];
  const send = async ({ to }: Mail): Promise<void> => {
    if (to.startsWith("late")) throw new MailFailure("450", "later");
    sent.push(to);
  };
  const { queue } = aQueue({ send }, (ms) => (ms >= 5_000 ? never : Promise.resolve()));
  for (const to of ["late1@x", "late2@x", "late3@x", "a@x", "b@x"]) queue.send(mailTo(to));
  await expect.poll(() => sent).toEqual(["a@x", "b@x"]);
});

test("a bug in a mailer is told by its name only", async () => {
  const { queue, lines, text } = aQueue({ send: () => Promise.reject(new TypeError(`no ${mail.to}`)) });
  queue.send(mail);
  await expect.poll(lines).toMatchObject([{ level: "error", code: "TypeError" }]);
  expect(text()).not.toContain("canary");
});

test("closing tries what waits once more, takes nothing new, and closes the mailer", async () => {
  const log: string[] = [];
  const send = async ({ to }: Mail): Promise<void> => {
    log.push(to);
    if (to === "late@x") throw new MailFailure("450", "later");
  };
  const close = async (): Promise<void> => void log.push("closed");
  const { queue, lines } = aQueue({ send, close }, () => never);
  for (const to of ["a@x", "late@x", "b@x"]) queue.send(mailTo(to));
  await queue.close();
  queue.send(mailTo("c@x"));
  expect(log).toEqual(["a@x", "late@x", "b@x", "closed"]);
  expect(lines()).toMatchObject([{ code: "450" }, { code: "queue-closed" }]);
});

test("closing waits for a mail server that hangs no longer than 5 s, and says how much is lost", async () => {
  const { queue, waits, lines } = aQueue({ send: () => never });
  for (let index = 0; index < 3; index++) queue.send(mail);
  await queue.close();
  expect(waits.at(-1)).toBe(5_000);
  expect(lines()).toMatchObject([{ level: "error", mails: 3 }]);
});
