import { createSmallStorage } from "#client/platform/small-storage.ts";
import { INVITE_KEY } from "./take-link.ts";

const kept = createSmallStorage(() => sessionStorage);

/** Keeps an invitation while somebody signs in, by which the page is loaded again. */
export const keepInvite = (token: string): void => void kept.write(INVITE_KEY, token);
export const forgetInvite = (): void => void kept.write(INVITE_KEY, "");

/** The invitation that waits for somebody to sign in: by it an account may be made where nobody else may make one. */
export const keptInvite = (): string | undefined => kept.read(INVITE_KEY) || undefined;
