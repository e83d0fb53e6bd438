import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { Blank } from "./blank-content.tsx";
import { useOnline } from "./use-online.ts";

/** In place of a snapshot that this device was not told of: without a network that does not mean that there is none. */
export function UnknownSnapshot({ onNewChat }: { onNewChat: () => void }) {
  const text = snapshotWords.missing;
  const action = { label: text.newChat, run: onNewChat };
  if (useOnline()) return <Blank title={text.goneTitle} text={text.gone} action={action} />;
  return <Blank title={text.awayTitle} text={text.away} action={action} />;
}
