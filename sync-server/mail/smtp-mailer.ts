import { createTransport } from "nodemailer";
import { MailFailure } from "./mailer.ts";
import type { Mailer } from "./mailer.ts";
import { smtpOptions } from "./smtp-options.ts";
import { writeLetter } from "./words.ts";

export interface SmtpSettings {
  url: URL;
  from: string;
  /** how long each step of a conversation with the mail server may take */
  stepMs?: number;
  /** the certificates (PEM) to trust instead of the well-known ones */
  ca?: string;
}

/** A server that keeps answering, but slowly, is given up after this many steps' time. */
const LONGEST_STEPS = 6;

/** One address and nothing else: no list, no name, no second header. */
const ONE_ADDRESS = /^[^\s\p{C}@<>()[\]\\,;:"]+@[^\s\p{C}@<>()[\]\\,;:"]+$/u;

/** Tells mail programs that nobody waits for an answer: no out-of-office note comes back. */
const NO_ANSWER_HEADERS = { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" };

/** Failures of the way to the mail server, or of this attempt: the next one may go well. */
const PASSING_CODES = ["ECONNECTION", "ESOCKET", "ETIMEDOUT", "EDNS", "EABORT"];

/** Hands mails to the mail server of SMTP_URL. Throws words for people where that is not understood. */
export function openSmtpMailer({ url, from, stepMs = 10_000, ca }: SmtpSettings): Mailer {
  const transport = createTransport({
    ...smtpOptions(url),
    ...(ca !== undefined && { tls: { ca } }),
    pool: true,
    maxConnections: 2,
    // The mail queue tries again, and counts.
    maxRequeues: 0,
    connectionTimeout: stepMs,
    greetingTimeout: stepMs,
    socketTimeout: stepMs,
    dnsTimeout: stepMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });

  return {
    async send(mail) {
      if (!ONE_ADDRESS.test(mail.to)) throw new MailFailure("not-an-address", "never");
      const letter = writeLetter(mail);
      const signal = AbortSignal.timeout(stepMs * LONGEST_STEPS);
      const to = { name: "", address: mail.to };
      try {
        await transport.sendMail({ from, to, ...letter, headers: NO_ANSWER_HEADERS, xMailer: false, signal });
      } catch (error) {
        throw failureOf(error);
      }
    },
    close() {
      transport.close({ force: true });
      return Promise.resolve();
    },
  };
}

interface TransportError {
  code?: string;
  /** what the network called it */
  originalCode?: string;
  /** of the mail server's answer, where it gave one */
  responseCode?: number;
  /** whether that answer is final */
  permanent?: boolean;
}

function failureOf(error: unknown): MailFailure {
  const { code, originalCode, responseCode, permanent } = error as TransportError;
  const isPassing = permanent === undefined ? PASSING_CODES.includes(code ?? "") : !permanent;
  return new MailFailure(String(responseCode ?? originalCode ?? code ?? "unsent"), isPassing ? "later" : "never");
}
