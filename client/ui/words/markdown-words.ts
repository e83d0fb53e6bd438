import { enMarkdown } from "./en-markdown.ts";

/** The catalogue in use for what messages hold. */
export const markdownWords: typeof enMarkdown = enMarkdown;
