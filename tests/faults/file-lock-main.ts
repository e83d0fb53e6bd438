import Database from "better-sqlite3";

// Takes the lock of a SQLite file, says so, and holds it until it is killed.

const database = new Database(String(process.argv[2]), { timeout: 30_000 });
database.exec("begin exclusive");
process.send?.("locked");
setInterval(() => undefined, 60_000);
