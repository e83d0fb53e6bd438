import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import type { Kysely } from "kysely";
import { expect, test } from "vitest";
import type { Database } from "#server/storage/database.ts";
import type { Schema } from "#server/storage/schema.ts";
import { systemTables } from "#server/storage/system-tables.ts";
import { openSignInApp } from "#tests/support/sign-in-app.ts";
import { readReach } from "#tests/support/table-reach.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Every table is scoped; `schema.ts` says why. */
const TABLES = Object.keys({
  session: 0,
  user: 0,
  account: 0,
  passkey: 0,
  access_token: 0,
  verification: 0,
  workspace: 0,
  member: 0,
  invite: 0,
  guest_merge: 0,
  audit: 0,
  audit_head: 0,
  document: 0,
  doc_update: 0,
  doc_checkpoint: 0,
  doc_client: 0,
  snapshot: 0,
  frozen_message: 0,
  feed: 0,
  feed_counter: 0,
  run: 0,
  run_frame: 0,
  usage: 0,
  signing_key: 0,
} satisfies Record<keyof Schema, 0>);

interface Owner {
  /** what it asks `systemTables` for: exactly these, and it queries no other */
  tables?: readonly (keyof Schema)[];
  /** what its own SQL names */
  text?: readonly string[];
  /** what else it has that gets around the types */
  around?: readonly string[];
  why: string;
}

/** The handles that everybody else goes through. Each method of theirs is asked by a stranger in `access/tenants.test.ts`. */
const HANDLES: Record<string, Owner> = {
  "sync-server/access/tenant.ts": {
    tables: ["document", "run", "feed", "snapshot"],
    text: ["snapshot"],
    why: "binds to the account and the workspace of a principal",
  },
  "sync-server/access/snapshot-tenant.ts": {
    tables: ["snapshot", "frozen_message", "document"],
    why: "binds to the account and the workspace of a principal",
  },
  "sync-server/access/account-tenant.ts": {
    tables: ["session", "user", "account", "passkey", "access_token", "guest_merge", "audit"],
    why: "binds to an account",
  },
  "sync-server/access/member-tenant.ts": {
    tables: ["workspace", "member", "invite", "user", "audit"],
    why: "binds to the workspaces an account belongs to",
  },
};

/** Who reaches tables without being bound to a principal. Think twice before a line is added: a query that forgets whose it is belongs to everybody. */
const SYSTEM: Record<string, Owner> = {
  "sync-server/access/session-rows.ts": {
    tables: ["session", "user", "member", "workspace"],
    why: "makes a principal of a session: there is none to bind to before",
  },
  "sync-server/access/access-tokens.ts": {
    tables: ["access_token"],
    why: "makes a principal of a token, found by its hash",
  },
  "sync-server/access/auth-options.ts": {
    tables: ["account", "passkey", "session", "user", "verification"],
    why: "hands better-auth its own tables",
  },
  "sync-server/access/auth.ts": {
    tables: ["account", "passkey", "session", "verification"],
    why: "sees to better-auth's tables: no twins, short sessions, nothing that is over",
  },
  "sync-server/access/audit-writer.ts": {
    tables: ["audit", "audit_head"],
    text: ["audit", "audit_head"],
    why: "writes the one chain of everybody's entries",
  },
  "sync-server/access/audit-verify.ts": {
    text: ["audit", "audit_head"],
    around: ["better-sqlite3"],
    why: "reads the whole chain for whoever has the file, without a server",
  },
  "sync-server/signing/open-signing.ts": {
    tables: ["signing_key"],
    why: "signs in the name of the server; its keys are nobody's",
  },
  "sync-server/signing/rotate-keys.ts": {
    text: ["signing_key"],
    around: ["better-sqlite3"],
    why: "makes a new key for whoever has the folder, without a server",
  },
  "sync-server/accounts/workspaces.ts": {
    tables: ["workspace", "member", "access_token", "invite"],
    why: "changes a team after `authorize`, in commits that name the team",
  },
  "sync-server/accounts/invites.ts": {
    tables: ["invite", "workspace", "member"],
    why: "finds an invitation by its secret, for somebody who is no member yet; changes them after `authorize`",
  },
  "sync-server/rooms/room-log.ts": {
    tables: ["document", "doc_update", "doc_checkpoint", "doc_client"],
    why: "reads the log of a document for its room, which belongs to one owner; says `unknown` to any other",
  },
  "sync-server/rooms/log-statements.ts": {
    tables: ["document", "doc_update", "doc_checkpoint", "doc_client", "feed", "feed_counter", "guest_merge"],
    why: "writes the log; the document's row, with its owner, is compared first in each commit",
  },
  "sync-server/rooms/stale-summaries.ts": {
    tables: ["document"],
    why: "finds at the start what a killed process left behind, whosesoever it is",
  },
  "sync-server/runs/run-store.ts": {
    tables: ["run", "run_frame", "usage", "document"],
    why: "the relay's own: writes runs by their lease, recovers and sweeps those of everybody",
  },
  "sync-server/snapshots/snapshot-statements.ts": {
    tables: ["snapshot", "frozen_message"],
    why: "writes and erases what is frozen, by its owner, in commits that begin with the document's row",
  },
  "sync-server/jobs/erasure.ts": { tables: ["document"], why: "finds what was in anybody's trash for its time" },
  "sync-server/jobs/guest-merge.ts": {
    tables: ["document", "doc_client", "doc_update", "feed", "guest_merge", "run", "session", "usage"],
    why: "makes what is one account's another's",
  },
  "sync-server/storage/migrations.ts": {
    text: TABLES.filter((name) => !["session", "user", "account", "passkey", "verification"].includes(name)),
    around: ["Kysely of kysely"],
    why: "makes the tables",
  },
  "sync-server/storage/system-tables.ts": {
    around: ["Kysely of kysely", "systemTables, which is not called here"],
    why: "is the way to ask",
  },
  "sync-server/storage/open-database.ts": {
    around: ["Kysely of kysely", "sql.raw"],
    why: "opens Kysely; its raw text is the names of two pragmas",
  },
  "sync-server/storage/sqlite-dialect.ts": {
    around: [
      "DatabaseConnection",
      "Dialect",
      "Driver",
      "SqliteAdapter",
      "SqliteIntrospector",
      "SqliteQueryCompiler",
    ].map((name) => `${name} of kysely`),
    why: "runs the SQL it is handed",
  },
  "sync-server/storage/sqlite-store.ts": { around: ["better-sqlite3"], why: "runs the SQL it is handed" },
};
const OWNERS = { ...HANDLES, ...SYSTEM };

/** What a file does that its line in the list does not say. */
function offences(file: string, text: string, { tables = [], text: sqlOf = [], around = [] }: Partial<Owner> = {}) {
  const reach = readReach(file, text, TABLES);
  const beyond = (found: Iterable<string>, allowed: readonly string[], how: string): string[] =>
    [...found].filter((one) => !allowed.includes(one)).map((one) => `${file} ${how} ${one}`);
  return [
    ...(reach.asks && !(file in OWNERS) ? [`${file} asks for system tables`] : []),
    ...beyond(reach.asked, tables, "asks for"),
    ...beyond(reach.queried, tables, "queries"),
    ...beyond(reach.written, sqlOf, "writes SQL about"),
    ...beyond(reach.around, around, "has"),
  ];
}

function serverFiles(): string[] {
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "sync-server"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return listed.split("\n").filter((file) => /\.[cm]?[jt]sx?$/.test(file) && !file.endsWith(".test.ts"));
}
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

test("no file of the server reaches a table but through a handle, or as the list says", () => {
  const files = serverFiles();
  expect(files.length).toBeGreaterThan(150);
  expect(files.flatMap((file) => offences(file, read(file), OWNERS[file]))).toEqual([]);
});

test.each(Object.entries(OWNERS))(
  "%s needs what the list lets it have",
  (file, { tables = [], text = [], around = [] }) => {
    const reach = readReach(file, read(file), TABLES);
    expect({ tables: [...reach.asked].toSorted(), text: [...reach.written].toSorted() }).toEqual({
      tables: tables.toSorted(),
      text: text.toSorted(),
    });
    expect([...reach.around].toSorted()).toEqual(around.toSorted());
  },
);

test("every table of a server's database is in the schema, and so in no handle that is not listed", async () => {
  const app = await openSignInApp();
  try {
    const { rows } = await sql<{ name: string }>`
      select name from sqlite_master where type = 'table' and name not like 'sqlite_%'
    `.execute(app.database.executor);
    expect(rows.map(({ name }) => name).toSorted()).toEqual(TABLES.toSorted());
  } finally {
    await app.close();
  }
});

/** Never run: the compiler has to refuse each of these, or `npm run types` fails. */
export const REFUSED_BY_TYPES = [
  // @ts-expect-error: the ordinary handle names no table
  ({ executor }: Database) => executor.selectFrom("document"),
  // @ts-expect-error: nor does it let itself be widened
  ({ executor }: Database) => executor.withTables<Schema>(),
  // @ts-expect-error: it is no Kysely of all tables, which the compiler would take any other Kysely for
  ({ executor }: Database): Kysely<Schema> => executor,
  // @ts-expect-error: whoever asks for one table has that one
  (database: Database) => systemTables<"run">(database).selectFrom("document"),
  // @ts-expect-error: also behind the one they have
  (database: Database) => systemTables<"run">(database).selectFrom("run").innerJoin("document", "id", "id"),
  // @ts-expect-error: whoever names none has none
  (database: Database) => systemTables(database).deleteFrom("document"),
];

const NEW_FILE = "sync-server/http/planted.ts";
const IMPORT = `import { systemTables } from "#server/storage/system-tables.ts";\n`;
/** What somebody might write, and what has to be said of it. */
const PLANTED: readonly (readonly [what: string, text: string, said: string])[] = [
  ["a system handle in a new file", `${IMPORT}export const it = (d) => systemTables<"run">(d);`, "asks for run"],
  ["one without names", `${IMPORT}export const it = (d) => systemTables(d).schema;`, "asks for system tables"],
  [
    "one whose names are elsewhere",
    `${IMPORT}export const it = (d) => systemTables<keyof Schema>(d);`,
    "has systemTables, for names that are not written in the call",
  ],
  [
    "one under another name",
    `import { systemTables as tables } from "../storage/system-tables.ts";`,
    "has systemTables of ../storage/system-tables.ts",
  ],
  ["one handed on", `${IMPORT}export const it = [systemTables];`, "has systemTables, which is not called here"],
  [
    "one exported again",
    `export { systemTables } from "#server/storage/system-tables.ts";`,
    "has #server/storage/system-tables.ts as a whole",
  ],
  [
    "one imported later",
    `export const it = () => import("#server/storage/system-tables.ts");`,
    "has #server/storage/system-tables.ts as a whole",
  ],
  ["a typed query", `export const it = (db) => db.selectFrom("document").selectAll();`, "queries document"],
  ["one with an alias", `export const it = (db) => db.selectFrom("run as other");`, "queries run"],
  ["one of several tables", `export const it = (db) => db.selectFrom(["x", "feed"]);`, "queries feed"],
  ["a join", `export const it = (query) => query.innerJoin("member", "a", "b");`, "queries member"],
  ["a write", "export const it = (db) => db.updateTable(`usage`).set({});", "queries usage"],
  [
    "SQL in Kysely's tag",
    "export const it = sql`select * from document where id = ${id}`;",
    "writes SQL about document",
  ],
  [
    "SQL for a prepared statement",
    `export const it = (db) => db.prepare("select id from run");`,
    "writes SQL about run",
  ],
  ["SQL for the thread", `send({ kind: "query", sql: "DELETE FROM \\"feed\\"" });`, "writes SQL about feed"],
  ["SQL in a commit", `commit([{ query: { sql: "update invite set role = ?" } }]);`, "writes SQL about invite"],
  [
    "SQL over several lines",
    "const it = `\n  with a as (select 1)\n  select * from a, usage`;",
    "writes SQL about usage",
  ],
  ["SQL in pieces", `const it = "select * from " + "access_token" + where;`, "writes SQL about access_token"],
  ["a piece of SQL", "const it = (a) => `${a} join session on true`;", "writes SQL about session"],
  ["SQL about a table that is a value", "const it = sql`select * from ${name}`;", "has SQL whose table is a value"],
  ["SQL that ends before its table", `const it = ["select * from", name].join(" ");`, "has SQL whose table is a value"],
  ["the name of a table as a value", `const it = sql.table("document");`, "has sql.table"],
  ["a handle of Kysely's type", `import type { Kysely } from "kysely";`, "has Kysely of kysely"],
  ["a part of one", `import type { QueryCreator } from "kysely";`, "has QueryCreator of kysely"],
  ["all of Kysely", `import * as kysely from "kysely";`, "has * of kysely"],
  ["a wider handle", `export const it = (db) => db.withTables();`, "has withTables"],
  ["a bound taken back", `export const it = (query) => query.clearWhere();`, "has clearWhere"],
  ["a connection of one's own", `import SqliteDatabase from "better-sqlite3";`, "has better-sqlite3"],
];

test.each(PLANTED)("is found in a new file: %s", (_, text, said) => {
  expect(offences(NEW_FILE, text)).toContain(`${NEW_FILE} ${said}`);
});

test("a listed file that goes beyond its line is found as well", () => {
  const file = "sync-server/jobs/erasure.ts";
  const more = `${read(file)}\nexport const planted = (d: Database) => systemTables<"run">(d).selectFrom("run");\n`;
  expect(offences(file, more, OWNERS[file])).toEqual([`${file} asks for run`, `${file} queries run`]);
});

test("what only sounds like SQL, or is about no table, is nobody's offence", () => {
  const text = `
    // select * from document
    import { sql } from "kysely";
    import type { Selectable } from "kysely";
    log.info("what was deleted from the account is gone; update the session, or create another user");
    const it = sql\`pragma user_version\`;
    const other = ["document", "run"].map((kind) => \`\${kind} of a user\`);
  `;
  expect(offences(NEW_FILE, text)).toEqual([]);
});
