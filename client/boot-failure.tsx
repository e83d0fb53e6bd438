import { Button } from "#client/ui/button.tsx";
import { words } from "#client/ui/words/words.ts";

/** Why the app could not open; each has its words. */
export type BootFailure = "offline" | "shared" | "unavailable" | "failed";

/** What stands in place of the app when it could not open: what happened, that nothing is lost, what to do. */
export function BootFailureScreen({ failure, onAgain }: { failure: BootFailure; onAgain: () => void }) {
  return (
    <main className="boot-failure" role="alert">
      <h1>{words.cannotOpen.title}</h1>
      <p>{words.cannotOpen[failure]}</p>
      <Button look="primary" onClick={onAgain}>
        {words.cannotOpen.again}
      </Button>
    </main>
  );
}
