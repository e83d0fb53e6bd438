import type { Log } from "#server/observability/log.ts";
import { maskedAddress } from "./mailer.ts";
import type { Mailer } from "./mailer.ts";

/**
 * For a server without a mail server: whoever runs it reads the link in the log and hands it on. The links open
 * accounts, so whoever can read this log can too.
 */
export function createLogMailer(log: Log): Mailer {
  return {
    send({ kind, link, to }) {
      log.info({ mail: kind, link: link.href, to: maskedAddress(to) }, "a link for somebody");
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}
