/** English, as en.ts: the menu of the account. Loaded with it. */
export const enAccountMenu = {
  guest: "Guest on this device",
  guestAbout: "Your chats belong to this browser. Clearing its data ends access to them.",
  account: "Signed in",
  signIn: "Sign in or create an account…",
  settings: "Account…",
  workspaces: "Workspaces…",
  signOut: "Sign out…",
  theme: { system: "Theme: like the system", light: "Theme: light", dark: "Theme: dark" },
  verify: "Verify a snapshot file",
  storage: "Storage…",
  shortcuts: "Keyboard shortcuts",
};
