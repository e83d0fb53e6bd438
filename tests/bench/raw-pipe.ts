import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

// The least a relay can do: hands each request to TARGET and its answer back, byte for byte. Prints its URL.
const target = process.env["TARGET"] ?? "";
const agent = new Agent({ keepAlive: true });
const server = createServer((incoming, outgoing) => {
  const { "content-type": type, "content-length": length } = incoming.headers;
  const headers = { "content-type": type, "content-length": length };
  const asked = request(target + (incoming.url ?? ""), { method: "POST", agent, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    outgoing.flushHeaders();
    answer.pipe(outgoing);
  });
  incoming.pipe(asked);
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
