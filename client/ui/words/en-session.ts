/** English, as en.ts: what is said when this page is not its account's any more. Loaded when that is so. */
export const enSession = {
  ended: {
    text: "You've been signed out here. Everything on this device is kept, but nothing syncs.",
    /** where nothing is kept on the device */
    shared: "You've been signed out here. What isn't saved yet is in this window alone: sign in to save it.",
    action: "Sign in…",
  },
  "other-account": {
    text: "This browser is now signed in to another account. What you see here stays on this device.",
    shared: "This browser is now signed in to another account. What isn't saved yet is in this window alone.",
    action: "Open that account",
  },
  newGuest: "Start as a new guest",
  "not-a-member": {
    text: "You don't belong to this workspace any more. What you wrote in it no longer syncs.",
    shared: "You don't belong to this workspace any more. What isn't saved yet is in this window alone.",
    action: "Open your own workspace",
  },
};
