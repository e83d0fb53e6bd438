import type { GivenRole } from "#shared/domain/workspace.ts";

/**
 * What Holdfast writes to people. Each mail was caused by somebody, whom nobody has to know: it says what happens if
 * it is ignored. Who asks for a new password for an address without an account causes none.
 * - `sign-up-known`: somebody tried to make an account with an address that has one; `link` is where to sign in
 */
export type Mail = { to: string; link: URL } & (
  | { kind: "verify-email" | "reset-password"; lastsMs: number }
  | { kind: "sign-up-known" }
  | { kind: "invite"; lastsMs: number; workspace: string; inviter: string; role: GivenRole }
);

export interface Mailer {
  /** Resolves when the mail is out of our hands. Rejects with a `MailFailure`. */
  send(mail: Mail): Promise<void>;
  /** Gives up what is under way. */
  close(): Promise<void>;
}

/**
 * Why a mail was not sent, in a form that may be logged: a mail server's own words often repeat the address, so none
 * of them are kept. `code` is its reply code ("550"), or that of the network ("ECONNREFUSED").
 */
export class MailFailure extends Error {
  readonly code: string;
  readonly again: "later" | "never";

  constructor(code: string, again: "later" | "never") {
    super(`A mail was not sent (${code})`);
    this.code = code;
    this.again = again;
  }
}

/** Enough of an address for its owner to know it, e.g. `a…@example.org`. */
export function maskedAddress(address: string): string {
  const at = address.lastIndexOf("@");
  return at < 1 ? "…" : `${Array.from(address)[0]}…${address.slice(at)}`;
}
