import { expect, test } from "vitest";
import { smtpOptions } from "./smtp-options.ts";

const optionsOf = (address: string) => smtpOptions(new URL(address));

test("smtps speaks TLS from the first byte", () => {
  expect(optionsOf("smtps://mail.example.org")).toMatchObject({ host: "mail.example.org", secure: true });
});

test("smtp must switch to TLS, except on this machine or where that is turned off", () => {
  const required = { secure: false, requireTLS: true };
  const off = { secure: false, ignoreTLS: true };
  expect(optionsOf("smtp://mail.example.org:2525")).toEqual({ host: "mail.example.org", port: 2525, ...required });
  expect(optionsOf("smtp://127.0.0.1.example.org")).toMatchObject(required);
  expect(optionsOf("smtp://localhost.example.org")).toMatchObject(required);
  expect(optionsOf("smtp://localhost?tls=on")).toMatchObject(required);
  expect(optionsOf("smtp://mail.example.org?tls=off")).toEqual({ host: "mail.example.org", ...off });
  expect(optionsOf("smtp://LOCALHOST")).toMatchObject(off);
  expect(optionsOf("smtp://127.0.0.1:25")).toMatchObject(off);
  expect(optionsOf("smtp://[::1]:25")).toEqual({ host: "::1", port: 25, ...off });
});

test("names and passwords are decoded", () => {
  const { auth } = optionsOf("smtps://mira%40example.org:p%2F%3a%25%20s@mail.example.org");
  expect(auth).toEqual({ user: "mira@example.org", pass: "p/:% s" });
});

test.each([
  "smtp://mail.example.org?logger=true",
  "smtp://mail.example.org?tls=maybe",
  "smtp://mail.example.org?tls=on&tls.rejectUnauthorized=false",
  "smtp://us?canary:canary@mail.example.org",
  "smtp://user:12/canary@mail.example.org",
  "smtp://user:12#canary@mail.example.org",
  "smtps://user:100%canary@mail.example.org",
])("%s is refused without repeating any of it", (address) => {
  expect(() => optionsOf(address)).toThrow(/^SMTP_URL has (?!.*(canary|logger|maybe|reject|example))/s);
});
