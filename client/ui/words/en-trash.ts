import { numbersIn } from "./numbers-in.ts";

const number = numbersIn("en");
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const snapshots = (count: number): string => (count === 1 ? "this snapshot" : `all ${number(count)} snapshots`);
const chats = (count: number): string => (count === 1 ? "this chat" : `all ${number(count)} chats`);

/** English, as en.ts: what is said in the trash. Loaded when a person goes there. */
export const enTrash = {
  title: "Trash",
  about: (days: number) =>
    `Deleted chats and snapshots are kept for ${number(days)} days. Then they are erased from the server and from every device.`,
  list: "Deleted chats",
  emptyTitle: "The trash is empty",
  empty: "Chats and snapshots you delete are kept here for a while, in case you change your mind.",
  emptyTrash: "Empty trash",
  erasedIn: (days: number) => `Erased ${relative.format(days, "day")}`,
  erasing: "Being erased…",
  erasingLater: "Will be erased when you're back online",
  erasedElsewhere: "Erased on the server",
  changed: "Changed after deletion",
  changedAbout: "It was deleted on another device before your changes on this one reached the server.",
  changedErased: "It was erased before your changes on this device reached the server. Only this device has them.",
  restore: (title: string) => `Restore ${title}`,
  restoreShort: "Restore",
  erase: (title: string) => `Erase ${title}`,
  eraseShort: "Erase",
  recover: "Recover as a new chat",
  recoverOf: (title: string) => `Recover as a new chat: ${title}`,
  recoveredTitle: (title: string) => `${title} (recovered)`,
  restored: (title: string) => `Restored “${title}”`,
  recovered: (title: string) => `Recovered “${title}” as a new chat`,
  cannotRestore: "That chat isn't on this device yet. It can be restored once you're online.",
  cannotRecover: "That chat can't be read on this device right now. Nothing was changed.",
  eraseTitle: (title: string) => `Erase “${title}”?`,
  eraseAbout: "Its messages, answers and draft are lost for ever, on the server and on all your devices.",
  eraseChanged: "That includes what you changed on this device after it was deleted.",
  eraseHere: "What you wrote is only on this device, and is lost for ever.",
  emptyAsk: "Empty the trash?",
  emptyAbout: (count: number, more: number) =>
    `Everything in ${[...(count > 0 ? [chats(count)] : []), ...(more > 0 ? [snapshots(more)] : [])].join(" and ")} is lost for ever, on the server and on all your devices.`,
  eraseAll: "Erase all",
  cancel: "Cancel",
  erasedTitle: "This chat was erased",
  erasedAbout:
    "It was deleted and erased on another device. What you wrote here before this device knew is kept, and can go on as a new chat.",
};
