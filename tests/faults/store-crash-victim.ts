import { openSqliteStore } from "#server/storage/sqlite-store.ts";
import { interruptAt } from "./store-failpoints.ts";
import { GROUPS, groupOf } from "./store-groups.ts";

// A process that writes groups of commits through the real store and is killed before one of its statements.

const [file, at] = process.argv.slice(2);
const store = openSqliteStore({ file: String(file), exclusive: false });
interruptAt(Number(at), () => process.kill(process.pid, "SIGKILL"));
for (let group = 0; group < GROUPS; group++) {
  const answer = store.answer({ kind: "commit", items: groupOf(group) });
  if (answer.kind !== "outcomes" || answer.outcomes.some((outcome) => outcome !== undefined)) process.exit(2);
  // Written before the next statement runs, so that a kill cannot take the word of an acknowledgement back.
  process.stdout.write(`${group}\n`);
}
process.exit(0);
