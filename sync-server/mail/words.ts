import type { GivenRole } from "#shared/domain/workspace.ts";
import { WORKSPACE_NAME_LENGTH } from "#shared/domain/workspace.ts";
import type { Mail } from "./mailer.ts";
import { plainName } from "./plain-name.ts";

export interface Letter {
  subject: string;
  text: string;
  html: string;
}

/** What a letter says: the link stands between what leads to it and what else is to know. */
interface Words {
  subject: string;
  before: readonly string[];
  after: readonly string[];
}

const PERSON_NAME_LENGTH = 60;

const ROLE_WORDS: Record<GivenRole, string> = {
  admin: "As an admin you can write chats there, and invite others.",
  member: "As a member you can write chats there.",
  guest: "As a guest you can read what is shared there, and comment on it.",
};

/** A mail as people read it: plain text, and the same in the plainest HTML. Neither loads anything from anywhere. */
export function writeLetter(mail: Mail): Letter {
  const { subject, before, after } = wordsOf(mail);
  const href = escapeHtml(mail.link.href);
  const paragraphs = (lines: readonly string[]): string => lines.map((line) => `<p>${escapeHtml(line)}</p>\n`).join("");
  return {
    subject,
    text: `${[...before, mail.link.href, ...after].join("\n\n")}\n`,
    html:
      `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head><body>\n` +
      `${paragraphs(before)}<p><a href="${href}">${href}</a></p>\n${paragraphs(after)}</body></html>\n`,
  };
}

function wordsOf(mail: Mail): Words {
  const server = mail.link.host;
  switch (mail.kind) {
    case "verify-email":
      return {
        subject: "Confirm your address for Holdfast",
        before: [
          `Somebody gave this address for an account at ${server}. If it was you, open this link to confirm that the address is yours:`,
        ],
        after: [
          `The link works for ${lasting(mail.lastsMs)}. After that you can ask for a new one.`,
          "If it wasn't you, you need not do anything: the address is not confirmed.",
        ],
      };
    case "reset-password":
      return {
        subject: "Choose a new password for Holdfast",
        before: [
          `Somebody asked for a new password for your account at ${server}. If it was you, open this link to choose one:`,
        ],
        after: [
          `The link works for ${lasting(mail.lastsMs)}. After that you can ask for a new one.`,
          "If it wasn't you, you need not do anything: your password stays as it is.",
        ],
      };
    case "sign-up-known":
      return {
        subject: "You have an account at Holdfast already",
        before: [
          `Somebody tried to make an account at ${server} with this address. It has one already. If it was you, sign in here:`,
        ],
        after: [
          "If you don't remember your password, you can ask for a new one there.",
          "If it wasn't you, you need not do anything: your account is as it was, and whoever tried was not told about it.",
        ],
      };
    case "invite":
      return invitation(mail, server);
  }
}

function invitation(mail: Extract<Mail, { kind: "invite" }>, server: string): Words {
  const inviter = plainName(mail.inviter, PERSON_NAME_LENGTH) ?? "Somebody";
  const name = plainName(mail.workspace, WORKSPACE_NAME_LENGTH);
  const workspace = name === undefined ? "a workspace" : `“${name}”`;
  return {
    subject: `Invitation to ${workspace} on Holdfast`,
    before: [
      `${inviter} invites you to ${workspace} at ${server}. ${ROLE_WORDS[mail.role]}`,
      "Open this link to see the invitation, and to accept it if you like:",
    ],
    after: [
      `The link works for ${lasting(mail.lastsMs)}. After that you can ask to be invited again.`,
      "If you don't know who this is from, you need not do anything: you only join if you accept.",
    ],
  };
}

/** "1 hour", "24 hours", "7 days": never more than it is. */
function lasting(ms: number): string {
  const hours = Math.floor(ms / 3_600_000);
  const [count, unit] =
    hours === 0 ? [Math.floor(ms / 60_000), "minute"] : hours < 48 ? [hours, "hour"] : [Math.floor(hours / 24), "day"];
  return new Intl.NumberFormat("en", { style: "unit", unit, unitDisplay: "long" }).format(count);
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (mark) => ENTITIES[mark] ?? mark);
