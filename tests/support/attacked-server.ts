import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect } from "vitest";
import { PROBLEM_STATUS, problemSchema } from "#shared/protocol/problem.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { signInGuest } from "./guest.ts";
import { openNodeDevice } from "./node-device.ts";
import { answer } from "./provider-behaviour.ts";
import { openScriptedProvider } from "./scripted-provider.ts";
import { openServerProcess } from "./server-process.ts";

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** the body as it came, where `send` asked */
  bytes?: Buffer;
}

export interface Sent {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

export type AttackedServer = Awaited<ReturnType<typeof openAttackedServer>>;

export const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
export const newId = (): string => createUuidV7(Date.now(), randomBytes);
export const conversationRoom = (id: string): string => `conversation.${id}.0`;

/**
 * One built server process that is attacked, and a control guest whose conversation must stay whole: their
 * first words are settled before the first attack.
 * @param env laid over its environment
 */
export async function openAttackedServer(env: Readonly<Record<string, string>> = {}) {
  const provider = await openScriptedProvider({ otherwise: answer("An answer.") });
  const server = await openServerProcess({
    env: { LIMITS: "off", OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: "test", ...env },
  });
  const pid = server.pid();
  const control = await signInGuest(server.url);
  const room = conversationRoom(newId());
  const device = openNodeDevice(server.url, control.cookie, room);
  const first = device.edit((conversation) => conversation.draft.insert(0, "CONTROL"));
  await device.until(() => device.settled() >= first);
  const database = new Database(join(server.dataDir, "holdfast.sqlite"), { readonly: true });
  let rounds = 0;

  /** A figure of the server process in MB: `VmRSS` now, `VmHWM` at its highest. */
  function memory(what: "VmRSS" | "VmHWM"): number {
    const found = new RegExp(`^${what}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Math.round(Number(found?.[1]) / 1024);
  }

  return {
    url: server.url,
    port: server.port,
    provider,
    control,
    database,
    memory,
    output: server.output,
    /** How many rows each table has now. What was refused is written into the audit log, which is left out. */
    rows(): Record<string, number> {
      const tables = database
        .prepare("select name from sqlite_master where type = 'table' and name not like 'audit%'")
        .pluck()
        .all() as string[];
      return Object.fromEntries(
        tables.map((table) => [table, database.prepare(`select count(*) from "${table}"`).pluck().get() as number]),
      );
    },
    /** The same process lives and answers, and the control guest still syncs and lost nothing. */
    async expectUnharmed(): Promise<void> {
      expect(server.alive()).toBe(true);
      expect(server.pid()).toBe(pid);
      const health = await fetch(`${server.url}/healthz`);
      expect(health.status).toBe(200);
      rounds += 1;
      const word = ` ${rounds}`;
      const token = device.edit(({ draft }) => draft.insert(draft.length, word));
      await device.until(() => device.settled() >= token);
      const fresh = openNodeDevice(server.url, control.cookie, room);
      await fresh.until(fresh.arrived);
      const words = Array.from({ length: rounds }, (_, index) => ` ${index + 1}`).join("");
      expect(fresh.conversation.draft.toJSON()).toBe(`CONTROL${words}`);
      expect(device.refused()).toEqual([]);
      fresh.close();
    },
    async close(): Promise<void> {
      device.close();
      database.close();
      await server.close();
      await provider.close();
    },
  };
}

/** Sends a request as it is: no path is tidied, no header added but `host` and `content-length`. */
export function send(port: number, { method = "GET", path, headers = {}, body }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const all = { host: `localhost:${port}`, ...headers };
    const request = httpRequest({ host: "127.0.0.1", port, method, path, headers: all, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes.toString(), bytes });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** Writes bytes to a connection and collects what comes until the server ends it. */
export async function sendBytes(port: number, bytes: string | Uint8Array): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.setEncoding("latin1").on("data", (data: string) => (text += data));
  socket.on("error", () => undefined); // being cut off is an answer too
  socket.write(bytes);
  await once(socket, "close");
  return text;
}

/** The code of a well-formed problem that no cache keeps; for any other answer, a description of it. */
export function problemOf({ status, headers, body }: Answer): string {
  const seen = `${status} ${headers["content-type"]} ${headers["cache-control"]} ${body.slice(0, 200)}`;
  if (headers["content-type"] !== "application/problem+json" || headers["cache-control"] !== "no-store") return seen;
  const found = problemSchema.safeParse(parseJson(body));
  if (!found.success || found.data.status !== status || found.data.type !== `/problems/${found.data.code}`) return seen;
  const known = Object.entries(PROBLEM_STATUS).some(([code, of]) => code === found.data.code && of === status);
  return known ? found.data.code : seen;
}

/** The same of the bytes of an answer, as `sendBytes` collects them. */
export function rawProblemOf(text: string): string {
  const [head = "", body = ""] = text.split("\r\n\r\n");
  const [line = "", ...fields] = head.split("\r\n");
  const headers = Object.fromEntries(fields.map((field) => [field.split(":")[0]?.toLowerCase(), field.split(": ")[1]]));
  return problemOf({ status: Number(line.split(" ")[1]), headers: headers as IncomingHttpHeaders, body });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // described by whoever asked
  }
}
