import type { LimitKeys, LimitKind } from "./limiter.ts";

/** How many points a bucket holds, and after how many seconds from the first take it is full again. */
export interface LimitRule {
  points: number;
  seconds: number;
}

/** Whose points they are. `nameAtAddress`: what one address may claim about one name. */
export type LimitScope = "address" | "account" | "workspace" | "name" | "nameAtAddress";

export type LimitRules = Readonly<Record<LimitKind, Readonly<Partial<Record<LimitScope, LimitRule>>>>>;

const MINUTE = 60;
const HOUR = 3600;

/**
 * Everybody behind one IPv4 address, or one /64 of IPv6, shares an address: the numbers are for an office of 200 people
 * with a computer and a phone each, and some more. What a program does by itself is then still bounded.
 */
export const LIMIT_RULES: LimitRules = {
  // Only what failed counts: a sign-in with the right password gives its point back.
  "sign-in": {
    // Every second one of the office mistypes once on a Monday morning; trying one password on many names ends here.
    address: { points: 100, seconds: 15 * MINUTE },
    // More often than a person tries before they ask for a new password: 40 guesses an hour.
    nameAtAddress: { points: 10, seconds: 15 * MINUTE },
    // Loose, because strangers can use it up and keep the owner out: that takes ten addresses, and ends after 15 minutes.
    name: { points: 100, seconds: 15 * MINUTE },
  },
  // A page to sign in asks for one when it opens: the office on a Monday morning, each of them five times.
  challenge: { address: { points: 1_000, seconds: 15 * MINUTE } },
  // The office in its first hour, a third of them twice.
  "sign-up": { address: { points: 300, seconds: HOUR } },
  mail: {
    // The office in its first hour, half of them asking for the mail again.
    address: { points: 300, seconds: HOUR },
    // No mailbox is flooded. Who is refused because a stranger asked has five good mails in the mailbox.
    name: { points: 5, seconds: HOUR },
    // Inviting a whole office, one by one.
    account: { points: 300, seconds: HOUR },
  },
  // Each device of the office in its first hour, and a class in the same building. A guest costs about 1 kB, so a script
  // makes 24 MB of them in a day.
  guest: { address: { points: 1_000, seconds: HOUR } },
  run: {
    // Two programs like the one below, or each of the office sixty times in the same minute. What a run costs is bounded
    // by the provider's own limits and by how many it takes at a time; this bounds what the server does.
    address: { points: 12_000, seconds: MINUTE },
    // A program that puts a hundred questions a second to a local model, as an evaluation does.
    account: { points: 6_000, seconds: MINUTE },
    workspace: { points: 12_000, seconds: MINUTE },
  },
  // A device that catches up on 10,000 documents pulls 50 times and reads some pages of the feed.
  sync: {
    // After a restart all 400 devices of the office connect, catch up on some documents and try again a few times.
    address: { points: 24_000, seconds: MINUTE },
    // Ten old clients with a socket for each of 1,000 documents, after a restart.
    account: { points: 12_000, seconds: MINUTE },
    workspace: { points: 24_000, seconds: MINUTE },
  },
  // At each pause in typing, at most five times a second, for a whole minute; ten of the office do so on average.
  search: {
    address: { points: 3_000, seconds: MINUTE },
    account: { points: 300, seconds: MINUTE },
    workspace: { points: 3_000, seconds: MINUTE },
  },
  share: {
    // A lecture hall of 500 opens a link in the same minute, and reloads it. Guessing links is hopeless at any rate.
    address: { points: 1_200, seconds: MINUTE },
    // Two a second: a person sharing, or looking through what they shared.
    account: { points: 120, seconds: MINUTE },
  },
  usual: {
    // Two requests of each of the office in each second.
    address: { points: 24_000, seconds: MINUTE },
    // A program that asks two hundred times a second how its runs stand.
    account: { points: 12_000, seconds: MINUTE },
    workspace: { points: 24_000, seconds: MINUTE },
  },
};

/** What a bucket is named after, or `undefined` where the caller left it out. */
export const BUCKET_NAME: Readonly<Record<LimitScope, (keys: LimitKeys) => string | undefined>> = {
  address: ({ address }) => address,
  account: ({ accountId }) => accountId,
  workspace: ({ workspaceId }) => workspaceId,
  name: ({ name }) => name,
  nameAtAddress: ({ name, address }) =>
    name === undefined || address === undefined ? undefined : `${name} ${address}`,
};
