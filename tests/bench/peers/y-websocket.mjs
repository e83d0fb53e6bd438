// The reference y-websocket server with its LevelDB persistence (YPERSISTENCE). Prints the port it listens on.
import http from "node:http";
import { setupWSConnection } from "@y/websocket-server/utils";
import WebSocket from "ws";

const server = http.createServer((_request, response) => response.end("okay"));
const sockets = new WebSocket.Server({ server });
sockets.on("connection", (socket, request) => setupWSConnection(socket, request));
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
