/** English, as en.ts: what is said where a chat or snapshot is saved as a file. Loaded when a person comes near that. */
export const enExportChoice = {
  action: "Export…",
  button: "Export",
  title: (title: string) => `Export “${title}”`,
  about: "Saves a file on this device. What you see here stays as it is.",
  formats: {
    markdown: { label: "Markdown", about: "Text with headings, for any editor." },
    json: { label: "JSON", about: "Everything in it, for programs." },
    html: { label: "HTML", about: "One page to read anywhere. It runs nothing and loads nothing." },
    signed: { label: "Signed file", about: "Anyone can check, without a network, that nothing in it was changed." },
  },
  /** why the signed file cannot be had now */
  hindrances: {
    offline: "The server signs it. It is there when you're back online.",
    unsealed: "The server signs it once the snapshot is sealed.",
    refused: "The server didn't take this snapshot, so it can't sign it.",
  },
  making: "Making the file…",
  saved: (name: string) => `Saved ${name}`,
  failures: {
    unread: "What is in it can't be read on this device yet. Nothing was saved.",
    offline:
      "The server couldn't be reached, and it is the server that signs. Nothing was saved. Try again in a moment.",
    "not-found": "The server doesn't have this snapshot any more. The other formats still work.",
    refused: "The server couldn't sign it right now. Nothing was saved. Try again in a moment.",
    failed: "The file couldn't be made right now. Nothing was saved. Try again in a moment.",
  },
};
