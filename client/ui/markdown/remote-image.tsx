import { markdownWords } from "#client/ui/words/markdown-words.ts";

/**
 * An image on someone else's server. Loading it would tell that server who reads what (and a model can be made
 * to write such an address), so it is a link that opens elsewhere; the page's policy refuses it too.
 */
export function RemoteImage({ url, host, alt }: { url: string; host: string; alt: string }) {
  return (
    <span className="remote-image">
      {alt && <span>{alt}</span>}
      <a href={url} target="_blank" rel="noopener noreferrer nofollow">
        {markdownWords.openImage(host)}
      </a>
    </span>
  );
}
