import { expect, test } from "vitest";
import type { Mail } from "./mailer.ts";
import { writeLetter } from "./words.ts";

const HOUR_MS = 3_600_000;
const to = "mira@example.org";
const link = new URL("https://chat.example.org/join?a=1&token=x%22y#z");

const invite = (names: { workspace?: string; inviter?: string }): Mail => ({
  kind: "invite",
  to,
  link,
  lastsMs: 7 * 24 * HOUR_MS,
  workspace: "Acme",
  inviter: "Ed",
  role: "member",
  ...names,
});

const EVERY_MAIL: readonly Mail[] = [
  { kind: "verify-email", to, link, lastsMs: 24 * HOUR_MS },
  { kind: "reset-password", to, link, lastsMs: HOUR_MS },
  { kind: "sign-up-known", to, link },
  invite({}),
];

test.each(EVERY_MAIL)("$kind: says the same in text and HTML, and what happens if it is ignored", (mail) => {
  const { subject, text, html } = writeLetter(mail);
  expect(subject).toMatch(/^[^\r\n]{10,78}$/);
  expect(text.split("\n")).toContain(link.href);
  expect(text).toContain("chat.example.org");
  expect(text).toContain("you need not do anything");
  const body = html.slice(html.indexOf("<body>"));
  const shown = body
    .replace(/<[^>]*>/g, "")
    .replaceAll("&#39;", "'")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");
  expect(shown.trim().split("\n")).toEqual(text.trim().split("\n\n"));
});

test.each(EVERY_MAIL)("$kind: its one link is the only address in the HTML, and nothing is loaded", (mail) => {
  const { html } = writeLetter(mail);
  expect(html.match(/(href|src|style|srcset|action)=/g)).toEqual(["href="]);
  expect(html).toContain('<a href="https://chat.example.org/join?a=1&amp;token=x%22y#z">');
});

const lasting = (lastsMs: number): string => writeLetter({ kind: "verify-email", to, link, lastsMs }).text;

test("says how long a link lasts", () => {
  expect(lasting(24 * HOUR_MS)).toContain("works for 24 hours.");
  expect(lasting(HOUR_MS)).toContain("works for 1 hour.");
  expect(lasting(HOUR_MS / 2)).toContain("works for 30 minutes.");
  expect(writeLetter(invite({})).text).toContain("works for 7 days.");
});

test("an invitation names who, where and as what", () => {
  const { subject, text } = writeLetter(invite({ workspace: "משרד", inviter: "Zoë 👩‍💻" }));
  expect(subject).toBe("Invitation to “משרד” on Holdfast");
  expect(text).toContain("Zoë 👩‍💻 invites you to “משרד” at chat.example.org. As a member you can write chats there.");
});

test("HTML in names stays text", () => {
  const { html, text } = writeLetter(invite({ workspace: '<img src=x onerror="a">', inviter: "O'Neil & <b>co</b>" }));
  expect(html).toContain(
    "O&#39;Neil &amp; &lt;b&gt;co&lt;/b&gt; invites you to “&lt;img src=x onerror=&#39;a&#39;&gt;”",
  );
  expect(html).not.toMatch(/<(img|b)\b/);
  expect(text).toContain("O'Neil & <b>co</b>");
});

test("names cannot begin a new line or header, turn the direction, or end our quotes", () => {
  const { subject, text, html } = writeLetter(
    invite({
      workspace: "A\r\nBcc: eve@example.net\r\n\r\nB\u2028C\u0000D",
      inviter: "\u202egro.live\u2066 \ufeffX” has left\u{e0041}",
    }),
  );
  expect(subject).toBe("Invitation to “A Bcc: eve@example. net B C D” on Holdfast");
  expect(text).toContain("gro. live X' has left invites you to “A Bcc: eve@example. net B C D”");
  expect(`${subject}${text}${html}`).not.toMatch(/[\u202a-\u202e\u2066-\u2069\ufeff\u2028\u{e0041}\0\r]/u);
});

test("names hold nothing that mail programs make a link of", () => {
  const { text } = writeLetter(
    invite({ workspace: "Win at https://evil.example/x", inviter: "www.evil。example v2.0" }),
  );
  expect(text).toContain("www. evil。 example v2.0 invites you to “Win at https: //evil. example/x”");
});

test("long names are cut, and what is left of nothing is named otherwise", () => {
  const long = writeLetter(invite({ workspace: "👍".repeat(10_000), inviter: "e\u0301".repeat(10_000) }));
  expect(long.text).toContain(`“${"👍".repeat(79)}…”`);
  expect(long.text.length).toBeLessThan(1_000);
  expect(writeLetter(invite({ workspace: "\u200b \u202e\ud800", inviter: "\u200d\t" })).text).toContain(
    "Somebody invites you to a workspace at",
  );
});
