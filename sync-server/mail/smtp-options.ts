import type { SMTPPoolOptions } from "nodemailer/lib/smtp-pool";

/** Hosts whose connections never leave the machine. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;

type SmtpOptions = Pick<SMTPPoolOptions, "host" | "port" | "secure" | "auth" | "requireTLS" | "ignoreTLS">;

/**
 * Where SMTP_URL leads. nodemailer would read it itself, but take any of its options from it, among them those that
 * log mails and trust any certificate. `smtps:` speaks TLS from the first byte; `smtp:` must switch to it, except on
 * this machine or with `?tls=off`. Throws words for people, which repeat nothing of the address: what is taken for a
 * setting may be the end of a password.
 */
export function smtpOptions(url: URL): SmtpOptions {
  const settings = [...url.searchParams];
  const [name, tls] = settings[0] ?? ["tls", LOOPBACK.test(url.hostname) ? "off" : "on"];
  const isUnderstood = settings.length < 2 && name === "tls" && (tls === "on" || tls === "off");
  if (!isUnderstood || url.hash !== "" || url.pathname.length > 1)
    throw new Error(
      "SMTP_URL has something behind its host other than ?tls=off or ?tls=on. " +
        "In a user name or password write / as %2F, ? as %3F, # as %23 and % as %25.",
    );
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    ...(url.port !== "" && { port: Number(url.port) }),
    secure: url.protocol === "smtps:",
    ...(url.username !== "" && { auth: { user: decoded(url.username), pass: decoded(url.password) } }),
    ...(tls === "off" ? { ignoreTLS: true } : { requireTLS: true }),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // The cause is left out: whoever prints it prints the password.
    throw new Error("SMTP_URL has a % in its user name or password that stands for nothing. Write % as %25.");
  }
}
