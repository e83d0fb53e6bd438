/** English, as en.ts: what is said about what messages hold. Loaded with what shows them. */
export const enMarkdown = {
  copyCode: "Copy code",
  copied: "Copied",
  wrap: "Wrap lines",
  code: "Code",
  codeIn: (language: string) => `Code, ${language}`,
  openImage: (host: string) => `Open the image from ${host} in a new tab`,
  done: "Done",
  notDone: "Not done",
  table: "Table",
};
