import { askServer } from "#client/session/account-requests.ts";
import { Button } from "#client/ui/button.tsx";
import { Failed } from "#client/ui/failed.tsx";
import { accountWords } from "#client/ui/words/account-words.ts";
import { formatDate } from "#client/ui/words/format-date.ts";
import { sessionsSchema } from "#shared/protocol/account-bodies.ts";
import type { Sessions } from "#shared/protocol/account-bodies.ts";
import { browserName } from "./browser-name.ts";
import { Read } from "#client/ui/read.tsx";
import { Section } from "#client/ui/section.tsx";
import { useServerAnswer } from "./use-server-answer.ts";
import { useAsking } from "#client/ui/use-asking.ts";

const said = accountWords.account;

/** Where the account is signed in. Ending a session closes what is open under it. */
export function SessionsSection({ fetch }: { fetch: typeof globalThis.fetch }) {
  const { answered, readAgain } = useServerAnswer(fetch, "/api/sessions", sessionsSchema);
  const { asking, ask } = useAsking();
  const end = async (path: string): Promise<void> => {
    await ask(() => askServer(fetch, "DELETE", path));
    await readAgain();
  };
  return (
    <Section title={said.sessions}>
      <Read answered={answered}>
        {({ sessions }) => (
          <>
            <ul className="form-list">
              {sessions.map((session) => (
                <SessionLine key={session.id} session={session} onEnd={() => void end(`/api/sessions/${session.id}`)} />
              ))}
            </ul>
            {sessions.length > 1 && (
              <div className="form-buttons">
                <Button look="soft" disabled={asking.type === "busy"} onClick={() => void end("/api/sessions")}>
                  {said.endOthers}
                </Button>
              </div>
            )}
          </>
        )}
      </Read>
      <Failed asking={asking} />
    </Section>
  );
}

function SessionLine({ session, onEnd }: { session: Sessions["sessions"][number]; onEnd: () => void }) {
  const name = browserName(session.userAgent) ?? said.unknownDevice;
  return (
    <li>
      <span>
        {name}
        <span className="form-hint">
          {session.current ? said.thisSession : said.lastUsed(formatDate(session.usedAt))}
        </span>
      </span>
      {!session.current && (
        <Button look="soft" aria-label={said.endNamed(name)} onClick={onEnd}>
          {said.end}
        </Button>
      )}
    </li>
  );
}
