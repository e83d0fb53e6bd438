import type { Disk } from "./disk.ts";
import { STRANGER } from "./happenings.ts";
import type { SimulatedServer } from "./server.ts";

type Violate = (what: string) => void;

const MARK = /\bd\d-\d+\b/u;

/** What of an owner's account is in a text that somebody else reads, who named these words themselves (O4). */
function ownedIn(text: string, named: string, disk: Disk, owner: string): string | undefined {
  const ids = disk.rows<{ id: string }>(
    `select id from document where owner_id = ? union all select id from run where account_id = ?`,
    owner,
    owner,
  );
  return MARK.exec(text)?.[0] ?? ids.find(({ id }) => text.includes(id) && !named.includes(id))?.id;
}

/** Looks at every piece of an answer the server sends over HTTP: O4 nothing of the owner's for anybody else. */
export const createReplyOracle =
  (disk: Disk, violate: Violate, owner: string) =>
  (account: string, asked: string, soFar: string): void => {
    if (account === owner) return;
    const found = ownedIn(soFar, asked, disk, owner);
    if (found !== undefined) violate(`O4: a stranger who asks for ${asked} reads of ${found}`);
  };

interface Answered {
  asked: string;
  status: number;
  expected: number;
}

/** Asks for the library, and for each run of the owner's, as a stranger. Bodies are looked at on their way. */
export function askAsStranger(server: SimulatedServer, disk: Disk, owner: string): Promise<Answered[]> {
  const runs = disk.rows<{ id: string }>(`select id from run where account_id = ?`, owner);
  const asking = runs.flatMap(({ id }) => [
    ask(server, "GET", `/api/runs/${id}`),
    ask(server, "GET", `/api/runs/${id}/events`),
    ask(server, "POST", `/api/runs/${id}/stop`),
  ]);
  return Promise.all([ask(server, "GET", "/api/sync/feed", 200), ...asking]);
}

const ask = (server: SimulatedServer, method: string, path: string, expected = 404): Promise<Answered> =>
  new Promise((resolve) => {
    let status = 0;
    const end = (): void => resolve({ asked: `${method} ${path}`, status, expected });
    const head = (code: number): void => void (status = code);
    server.request(path, { method }, STRANGER, { head, chunk: () => undefined, end, destroy: end });
  });
