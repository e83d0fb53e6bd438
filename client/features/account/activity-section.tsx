import { useState } from "react";
import { askServer } from "#client/session/account-requests.ts";
import { Button } from "#client/ui/button.tsx";
import { Failed } from "#client/ui/failed.tsx";
import { accountWords } from "#client/ui/words/account-words.ts";
import { activityWords } from "#client/ui/words/activity-words.ts";
import { formatDateTime } from "#client/ui/words/format-date.ts";
import { auditPageSchema } from "#shared/protocol/audit-bodies.ts";
import type { AuditPage } from "#shared/protocol/audit-bodies.ts";
import { Section } from "#client/ui/section.tsx";
import { useAsking } from "#client/ui/use-asking.ts";

const said = accountWords.account;
const PAGE = 20;

/** What the audit log says about the account; read when somebody wants to see it. */
export function ActivitySection({ fetch }: { fetch: typeof globalThis.fetch }) {
  const { asking, ask } = useAsking();
  const [entries, setEntries] = useState<AuditPage["entries"]>([]);
  const [before, setBefore] = useState<number | "begin" | "end">("begin");
  const more = async (): Promise<void> => {
    const query = typeof before === "number" ? `&before=${before}` : "";
    const page = await ask(() =>
      askServer(fetch, "GET", `/api/audit?limit=${PAGE}${query}`, { answer: auditPageSchema }),
    );
    if (!page?.ok) return;
    setEntries([...entries, ...page.value.entries]);
    setBefore(page.value.before ?? "end");
  };
  return (
    <Section title={said.activity} about={said.activityAbout}>
      <ul className="form-list">
        {entries.map((entry) => (
          <li key={entry.seq}>
            <span>
              {activityWords(entry)}
              <span className="form-hint">{[formatDateTime(entry.at), entry.address].filter(Boolean).join(" · ")}</span>
            </span>
          </li>
        ))}
      </ul>
      <Failed asking={asking} />
      {before !== "end" && (
        <div className="form-buttons">
          <Button look="soft" disabled={asking.type === "busy"} onClick={() => void more()}>
            {said.activityMore}
          </Button>
        </div>
      )}
    </Section>
  );
}
