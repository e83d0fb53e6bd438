import { useState } from "react";
import { Button } from "../button.tsx";
import { words } from "../words/words.ts";

/** An image on someone else's server. Nothing is asked of that server before a person says so. */
export function RemoteImage({ url, host, alt }: { url: string; host: string; alt: string }) {
  const [state, setState] = useState<"asked" | "shown" | "failed">("asked");
  switch (state) {
    case "asked":
      return (
        <span className="remote-image">
          <span>{alt || words.markdown.imageFrom(host)}</span>
          <Button look="soft" title={words.markdown.imageFrom(host)} onClick={() => setState("shown")}>
            {words.markdown.loadImage}
          </Button>
        </span>
      );
    case "shown":
      return <img src={url} alt={alt} loading="lazy" referrerPolicy="no-referrer" onError={() => setState("failed")} />;
    case "failed":
      return (
        <span className="remote-image">
          <span>{words.markdown.imageFailed}</span>{" "}
          <a href={url} target="_blank" rel="noopener noreferrer nofollow">
            {words.markdown.openImage}
          </a>
        </span>
      );
  }
}
