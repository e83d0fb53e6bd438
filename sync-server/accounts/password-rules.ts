import { PASSWORD_LENGTH } from "#shared/domain/password.ts";

let common: Promise<ReadonlySet<string>> | undefined;

/** The tens of thousands of passwords that are tried first; 1 MB, read when the first password is set. */
async function commonPasswords(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import("@zxcvbn-ts/language-common");
  return new Set(dictionary["passwords-common"]);
}

/** Whether a password is too easy to guess: short, one that everybody tries, or the e-mail itself. */
export async function isWeakPassword(password: string, email: string): Promise<boolean> {
  const characters = Array.from(password).length;
  if (characters < PASSWORD_LENGTH.min || password.length > PASSWORD_LENGTH.max) return true;
  const plain = password.toLowerCase();
  const [local = ""] = email.split("@");
  if (plain === email || plain === local || new Set(plain).size < 3) return true;
  return (await (common ??= commonPasswords())).has(plain);
}
