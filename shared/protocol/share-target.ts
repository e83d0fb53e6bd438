/** Where other apps hand over text to the installed app: answered by the service worker, else by the server. */
export const SHARE_PATH = "/share";

/** What the app's page finds in its address afterwards; a fragment reaches neither a server nor its log. */
const SHARED_KEY = "share";

/** More would not fit into an address in every browser. */
const LONGEST = 150_000;

/** The text of what was shared. Apps repeat themselves: what a longer part says already is left out. */
function sharedText(fields: (name: "title" | "text" | "url") => string): string {
  const parts = [fields("title"), fields("text"), fields("url")].map((part) => part.trim());
  return parts
    .filter((part, index) => {
      const repeated = parts.some((other, at) => other.includes(part) && (other !== part || at < index));
      return part !== "" && !repeated;
    })
    .join("\n")
    .slice(0, LONGEST);
}

/** The page that takes shared text into a new draft. */
export function sharedAddress(fields: (name: "title" | "text" | "url") => string): string {
  return `/#${new URLSearchParams({ [SHARED_KEY]: sharedText(fields) }).toString()}`;
}

/** The shared text in the fragment of an address, if there is any. */
export function parseSharedText(hash: string): string | undefined {
  const text = new URLSearchParams(hash.replace(/^#/, "")).get(SHARED_KEY)?.trim();
  return text === "" ? undefined : text;
}
