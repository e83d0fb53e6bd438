import { expect, test } from "vitest";
import { createKeptLog } from "#tests/support/kept-log.ts";
import { openMailServer } from "#tests/support/mail-server.ts";
import type { Mail } from "./mailer.ts";
import { maskedAddress } from "./mailer.ts";
import { openMailer } from "./open-mailer.ts";

const link = new URL("https://chat.example.org/reset?token=abc");
const mail: Mail = { kind: "reset-password", to: "mira@example.net", link, lastsMs: 3_600_000 };

test("without SMTP_URL the link is in the log, in one line, and the address only hinted at", async () => {
  const { log, lines, text } = createKeptLog("info");
  await openMailer({ smtp: undefined, log }).send(mail);
  expect(lines()).toMatchObject([
    { level: "info", msg: "no SMTP_URL: links for people are written to this log" },
    { level: "info", mail: "reset-password", link: link.href, to: "m…@example.net" },
  ]);
  expect(text()).not.toContain("mira");
});

test("says when a log that leaves out the links would make them reach nobody", () => {
  const { log, lines } = createKeptLog("warn");
  openMailer({ smtp: undefined, log });
  expect(lines()).toMatchObject([{ level: "warn", msg: expect.stringContaining("reach nobody") as string }]);
});

test("with SMTP_URL the log names the mail server and nothing else", async () => {
  const server = await openMailServer();
  const { log, lines, text } = createKeptLog();
  const url = new URL(`smtp://canary-user:canary-password@127.0.0.1:${server.port}`);
  const mailer = openMailer({ smtp: { url, from: "holdfast@example.org" }, log });
  await mailer.send(mail);
  await mailer.close();
  await server.close();
  expect(server.received).toHaveLength(1);
  expect(lines()).toMatchObject([{ level: "info", server: `127.0.0.1:${server.port}` }]);
  expect(lines()).toHaveLength(1);
  expect(text()).not.toMatch(/canary|token|@/);
});

test("an address is masked whatever it is", () => {
  expect(["a@example.org", "😀b@x@example.org", "@example.org", "nobody", ""].map(maskedAddress)).toEqual([
    "a…@example.org",
    "😀…@example.org",
    "…",
    "…",
    "…",
  ]);
});
