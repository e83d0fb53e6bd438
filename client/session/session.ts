import { askMe } from "#client/platform/ask-me.ts";
import type { AskedMe } from "#client/platform/ask-me.ts";
import type { Locks } from "#client/platform/locks.ts";
import type { Platform } from "#client/platform/platform.ts";
import type { SmallStorage } from "#client/platform/small-storage.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { rememberedMe } from "./remembered-me.ts";

/** Whether the server still knows who we are. Losing the session never touches what is on this device. */
export type SessionStatus =
  /** not asked yet, or not reachable: the last account's data is open */
  | { type: "unchecked" }
  /** as what the server knows them now: their role may be another than when the page was opened */
  | { type: "signed-in"; me: Me }
  /** the server says this session is over */
  | { type: "ended" }
  /** the browser is now signed in as someone else; this page shows the account it was opened for */
  | { type: "other-account"; me: Me }
  /** the guest this page was opened for is that account now: what is here is on its way there */
  | { type: "became"; me: Me }
  /** they do not belong to the workspace of this page any more */
  | { type: "not-a-member" };

export interface Session {
  me: Me;
  status(): SessionStatus;
  subscribe(listener: () => void): () => void;
  /** Asks the server again, e.g. because it took a request for nobody's. */
  check(): void;
  /** As `check`; resolves when its answer is known, or that there is none. */
  checked(): Promise<void>;
  /**
   * Goes on as whoever this browser is signed in as, or as a new guest. Answers whether that is known now; the
   * page must be loaded again to open that account. Nothing of the old account on this device is touched.
   */
  renew(): Promise<boolean>;
}

export type FirstContactFailure =
  /** there is no network and nobody was here before */
  | "unreachable"
  /** this browser does not keep the cookie that says who it is */
  | "no-cookies"
  /** the server answered something this version does not understand */
  | "not-understood"
  /** nobody is signed in, and nobody is to be made a guest: they signed out here, or the server takes no guests */
  | "signed-out"
  /** on a shared device nothing was kept that could be opened without the server */
  | "nothing-kept";

export interface SessionParts {
  platform: Pick<Platform, "fetch" | "connectivity">;
  locks: Locks;
  smallStorage: SmallStorage;
  tabStorage: SmallStorage;
  /** has the browser write down the cookies it was given */
  writeCookies: () => void;
}

/** Whoever signed out here is asked who they are, and not made a guest. */
export const SIGNED_OUT_KEY = "holdfast.signed-out";
const SIGN_IN_LOCK = "holdfast-first-contact";

/**
 * Says whose data to open. Someone who was here before opens at once from what this browser remembers, and the
 * server is asked behind it; a newcomer becomes a guest first, which needs the network once.
 */
export async function openSession(
  parts: SessionParts,
  signal: AbortSignal,
): Promise<Result<Session, FirstContactFailure>> {
  const last = rememberedMe(parts);
  const known = last.read();
  if (known) return ok(watchSession(parts, known, { type: "unchecked" }, signal));
  const asked = await becomeSomeone(parts, signal);
  if (asked.type === "shared-over") return await openSession(parts, signal);
  if (asked.type === "no-guest") return err("signed-out");
  if (asked.type === "failed" && last.sharedIn() !== undefined) return err("nothing-kept");
  const before = asked.type === "failed" ? last.before() : undefined;
  if (before) return ok(watchSession(parts, before, { type: "unchecked" }, signal));
  // A server that makes a guest and then knows nobody is one whose cookies this browser does not keep.
  if (asked.type !== "me") return err(asked.type === "failed" ? asked.failure : "no-cookies");
  return ok(watchSession(parts, asked.me, { type: "signed-in", me: asked.me }, signal));
}

/** Asks who we are, makes a guest of nobody, and remembers the answer. Two tabs at once make one guest. */
async function becomeSomeone(parts: SessionParts, signal: AbortSignal): Promise<FirstContact> {
  const asked = await parts.locks.hold(SIGN_IN_LOCK, signal, () => firstContact(parts, signal));
  if (asked.type === "me") {
    if (isSignedOut(parts)) parts.smallStorage.write(SIGNED_OUT_KEY, "");
    // Before a word is written that would be lost with them.
    if (!asked.me.sharedDevice) parts.writeCookies();
    rememberedMe(parts).write(asked.me);
  }
  return asked;
}

function watchSession(parts: SessionParts, me: Me, initial: SessionStatus, signal: AbortSignal): Session {
  const { platform } = parts;
  const listeners = new Set<() => void>();
  let status = initial;
  let asking: Promise<void> | undefined;

  /** Another account does not belong to this page's workspace either. */
  async function whoInstead(there: AskedMe): Promise<AskedMe> {
    const asked = await askMe(platform.fetch, signal);
    return asked.type === "me" && asked.me.accountId === me.accountId ? there : asked;
  }

  const check = (): Promise<void> => (asking ??= ask());

  async function ask(): Promise<void> {
    const there = await askMe(platform.fetch, signal, me.workspaceId);
    const asked = there.type === "not-a-member" ? await whoInstead(there) : there;
    asking = undefined;
    if (asked.type === "failed" || signal.aborted) return; // what was known stays known
    status = statusOf(me, asked);
    // The account's kind may have changed: a guest that became an account keeps its ids and its data.
    if (status.type === "signed-in" && status.me.sharedDevice === me.sharedDevice) rememberedMe(parts).write(status.me);
    for (const listener of listeners) listener();
  }
  signal.addEventListener(
    "abort",
    platform.connectivity.onWake(() => void check()),
    { once: true },
  );
  if (initial.type === "unchecked") void check();

  return {
    me,
    status: () => status,
    subscribe(listener) {
      const own = (): void => listener();
      listeners.add(own);
      return () => listeners.delete(own);
    },
    check: () => void check(),
    async checked() {
      // What is under way may have been asked before the change.
      await asking;
      await check();
    },
    renew: async () => (await becomeSomeone(parts, signal)).type === "me",
  };
}

function statusOf(me: Me, asked: Exclude<AskedMe, { type: "failed" }>): SessionStatus {
  if (asked.type === "nobody") return { type: "ended" };
  if (asked.type === "not-a-member") return { type: "not-a-member" };
  const { accountId, merged = [] } = asked.me;
  if (accountId === me.accountId) return { type: "signed-in", me: asked.me };
  const became = merged.some((guest) => guest.accountId === me.accountId);
  return { type: became ? "became" : "other-account", me: asked.me };
}

type FirstContact =
  | AskedMe
  | { type: "no-guest" }
  /** whoever was here on a shared device is gone: whoever this device remembers is next */
  | { type: "shared-over" };

const isSignedOut = ({ smallStorage }: SessionParts): boolean => Boolean(smallStorage.read(SIGNED_OUT_KEY));

/** Who the cookie says we are; a guest is made where it says nobody, unless they signed out here. */
async function firstContact(parts: SessionParts, signal: AbortSignal): Promise<FirstContact> {
  const { fetch } = parts.platform;
  const last = rememberedMe(parts);
  const there = await askMe(fetch, signal, last.sharedIn());
  const asked = there.type === "not-a-member" ? await askMe(fetch, signal) : there;
  if (asked.type === "nobody" && last.isShared()) {
    last.endShared();
    return { type: "shared-over" };
  }
  if (isSignedOut(parts) && asked.type !== "me") return { type: "no-guest" };
  if (asked.type !== "nobody") return asked;
  try {
    const response = await fetch("/api/auth/sign-in/anonymous", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
      signal,
    });
    await response.body?.cancel();
    if (response.status === 403) return { type: "no-guest" };
    if (!response.ok) return { type: "failed", failure: "unreachable" };
  } catch {
    return { type: "failed", failure: "unreachable" };
  }
  return await askMe(fetch, signal);
}
