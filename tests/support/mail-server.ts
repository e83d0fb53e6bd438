import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { SMTPServer } from "smtp-server";
import { readMail } from "./mail-reading.ts";
import type { ReadMail } from "./mail-reading.ts";

export interface ReceivedMail extends ReadMail {
  /** who it was from, and for, by the envelope */
  from: string;
  to: readonly string[];
  /** who had signed in */
  user: string | undefined;
  secure: boolean;
}

export interface MailServerOptions {
  /** sends everybody away at the door */
  busy?: boolean;
  /** whose sign-in is asked for; nobody's when absent */
  user?: { name: string; password: string };
  /** offers STARTTLS with this certificate */
  tls?: { key: string; cert: string };
  /** the reply to the recipient, instead of taking the mail */
  refusal?: (recipient: string) => { code: number; words: string } | undefined;
}

export interface MailServer {
  port: number;
  received: ReceivedMail[];
  close(): Promise<void>;
}

/** A real mail server on loopback that keeps what it is given. */
export async function openMailServer({ busy, user, tls, refusal }: MailServerOptions = {}): Promise<MailServer> {
  const received: ReceivedMail[] = [];
  const server = new SMTPServer({
    ...tls,
    logger: false,
    disableReverseLookup: true,
    authOptional: user === undefined,
    allowInsecureAuth: true,
    disabledCommands: [...(tls ? [] : ["STARTTLS"]), ...(user ? [] : ["AUTH"])],
    onConnect(_session, done) {
      if (busy) done(Object.assign(new Error("too busy"), { responseCode: 421 }));
      else done();
    },
    onAuth({ username, password }, _session, done) {
      if (username === user?.name && password === user?.password) done(null, { user: username });
      else done(new Error("Invalid username or password"));
    },
    onRcptTo({ address }, _session, done) {
      const reply = refusal?.(address);
      if (reply) done(Object.assign(new Error(reply.words), { responseCode: reply.code }));
      else done();
    },
    onData(stream, session, done) {
      const parts: Buffer[] = [];
      stream.on("data", (part: Buffer) => parts.push(part));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        received.push({
          ...readMail(Buffer.concat(parts)),
          from: mailFrom === false ? "" : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          user: session.user,
          secure: session.secure,
        });
        done();
      });
    },
  });
  // Clients that hang up, or trust no such certificate, are what some tests are about.
  server.on("error", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    received,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** A server that takes connections and never comes to an end: it says nothing at all, or greets and then goes on and on. */
export async function openEndlessServer(manner: "silent" | "talking"): Promise<Pick<MailServer, "port" | "close">> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    if (manner === "silent") return;
    socket.write("220 hello\r\n");
    const talk = setInterval(() => socket.write("250-still here\r\n"), 10);
    socket.on("close", () => clearInterval(talk));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
