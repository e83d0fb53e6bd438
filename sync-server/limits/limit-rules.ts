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
  // Each device of the office in its first hour. A guest costs about 1 kB, so a script makes 10 MB of them in a day.
  guest: { address: { points: 400, seconds: HOUR } },
  run: {
    // Each of the office starts ten in the same minute.
    address: { points: 2_000, seconds: MINUTE },
    // What one person asked for in a week without a network goes out at once.
    account: { points: 300, seconds: MINUTE },
    workspace: { points: 2_000, seconds: MINUTE },
  },
  // A device that catches up on 10,000 documents pulls 50 times and reads some pages of the feed.
  sync: {
    // After a restart all 400 devices of the office connect, catch up on some documents and try again a few times.
    address: { points: 12_000, seconds: MINUTE },
    // Ten devices catching up on 10,000 documents at once, or an old client with a socket for each of 1,000 documents.
    account: { points: 1_200, seconds: MINUTE },
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
    // One request of each of the office in each second.
    address: { points: 12_000, seconds: MINUTE },
    // Twenty a second for a whole minute: ten devices that start at once, with many runs to follow.
    account: { points: 1_200, seconds: MINUTE },
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
