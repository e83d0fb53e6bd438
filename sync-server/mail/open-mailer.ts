import type { Config } from "#server/config/config.ts";
import type { Log } from "#server/observability/log.ts";
import { createLogMailer } from "./log-mailer.ts";
import type { Mailer } from "./mailer.ts";
import { openSmtpMailer } from "./smtp-mailer.ts";

/** Opens the way mails go, and says once which one it is. Throws words for people where SMTP_URL is not understood. */
export function openMailer({ smtp, log }: { smtp: Config["smtp"]; log: Log }): Mailer {
  if (smtp) {
    const mailer = openSmtpMailer(smtp);
    log.info({ server: smtp.url.host }, "mails go to the server of SMTP_URL");
    return mailer;
  }
  if (log.isLevelEnabled("info")) log.info("no SMTP_URL: links for people are written to this log");
  else log.warn("no SMTP_URL, and LOG_LEVEL leaves out what is written instead: links for people reach nobody");
  return createLogMailer(log);
}
