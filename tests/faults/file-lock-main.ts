import Database from "better-sqlite3";

// Takes the lock of a SQLite file, says so, and holds it until it is killed.

const database = new Database(String(process.argv[2]), { timeout: 30_000 });
database.exec("begin exclusive");
process.send?.("locked");
// A database nobody refers to is collected, and its lock with it.
setInterval(() => database.open, 60_000);
