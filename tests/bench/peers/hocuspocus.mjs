// Hocuspocus with its SQLite extension, as its documentation sets it up. Prints the port it listens on.
import { SQLite } from "@hocuspocus/extension-sqlite";
import { Server } from "@hocuspocus/server";

const { DATABASE, PORT = "0", DEBOUNCE_MS } = process.env;
const server = new Server({
  port: Number(PORT),
  address: "127.0.0.1",
  quiet: true,
  extensions: [new SQLite({ database: DATABASE })],
  // Its defaults are 2 s and at most 10 s; 0 stores after every update.
  ...(DEBOUNCE_MS === undefined ? {} : { debounce: Number(DEBOUNCE_MS), maxDebounce: Number(DEBOUNCE_MS) }),
});
await server.listen();
process.stdout.write(`${server.address.port}\n`);
