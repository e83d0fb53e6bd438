import { openDatabase } from "#server/storage/open-database.ts";
import { allTables } from "#tests/support/all-tables.ts";

// A process that commits for ever and tells its parent each id once it was acknowledged; made to be killed.

const [file, prefix] = process.argv.slice(2);
const database = await openDatabase({ file: String(file) });

async function writeForEver(writer: number): Promise<void> {
  for (let i = 0; ; i++) {
    const id = `${prefix}${writer}-${i}`;
    await database.commit([
      {
        query: allTables(database)
          .insertInto("workspace")
          .values({ id, kind: "team", owner_id: "x", created_at: 1 })
          .compile(),
        changes: 1,
      },
    ]);
    process.send?.(id);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, writer) => writeForEver(writer)));
