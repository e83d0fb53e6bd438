/** English, as en.ts: what can be done with a row of the library. Loaded when a person comes near its menu. */
export const enRowMenu = {
  pin: "Pin",
  unpin: "Unpin",
  archive: "Archive",
  unarchive: "Move back to chats",
  delete: "Delete",
  deleted: (title: string) => `Deleted “${title}”`,
  archivedToast: (title: string) => `Archived “${title}”`,
  undo: "Undo",
  cannotEdit: "That chat can't be changed on this device right now. Nothing was changed.",
};
