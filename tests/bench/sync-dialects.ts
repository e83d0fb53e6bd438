import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { SYNC_SUBPROTOCOL } from "#shared/protocol/sync-frames.ts";

/** What a benchmark client hears. `taken`: so many more of its updates were confirmed. */
export type Heard =
  | { type: "taken"; frames: number }
  | { type: "update"; bytes: Uint8Array }
  | { type: "state"; bytes: Uint8Array }
  | { type: "other" };

/** How one kind of server speaks Yjs over WebSocket. */
export interface Dialect {
  /** path and query of a document's socket */
  path(document: string): string;
  protocols: string[];
  /** what to send once open, before anything else */
  greeting(document: string): Uint8Array[];
  askState(document: string): Uint8Array;
  update(document: string, update: Uint8Array): Uint8Array;
  /** Reads one message; a dialect that confirms cumulatively keeps count, so there is one reader a socket. */
  createReader(): (message: Uint8Array) => Heard[];
}

const SYNC = 0;
const STEP1 = 0;
const STEP2 = 1;
const UPDATE = 2;
const EMPTY_STATE_VECTOR = new Uint8Array([0]);

const syncFrame = (kind: number, bytes: Uint8Array, document?: string): Uint8Array =>
  encoding.encode((encoder) => {
    if (document !== undefined) encoding.writeVarString(encoder, document);
    encoding.writeVarUint(encoder, SYNC);
    encoding.writeVarUint(encoder, kind);
    encoding.writeVarUint8Array(encoder, bytes);
  });

function readSync(decoder: decoding.Decoder): Heard {
  const kind = decoding.readVarUint(decoder);
  const bytes = decoding.readVarUint8Array(decoder);
  if (kind === UPDATE) return { type: "update", bytes };
  return kind === STEP2 ? { type: "state", bytes } : { type: "other" };
}

/** Holdfast: `ack` frames count what is durable. */
export const holdfast: Dialect = {
  path: (document) => `/sync/${document}`,
  protocols: [SYNC_SUBPROTOCOL],
  greeting: () => [],
  askState: () => syncFrame(STEP1, EMPTY_STATE_VECTOR),
  update: (_document, update) => syncFrame(UPDATE, update),
  createReader() {
    let acknowledged = 0;
    return (message) => {
      const decoder = decoding.createDecoder(message);
      const type = decoding.readVarUint(decoder);
      if (type === SYNC) return [readSync(decoder)];
      if (type !== 100) return [{ type: "other" }];
      const frames = decoding.readVarUint(decoder);
      const fresh = frames - acknowledged;
      acknowledged = frames;
      return [{ type: "taken", frames: fresh }];
    };
  },
};

/** Hocuspocus 4: `SyncStatus` after each update, once it is applied in memory. */
export const hocuspocus: Dialect = {
  path: () => "/",
  protocols: [],
  greeting: (document) => [
    encoding.encode((encoder) => {
      encoding.writeVarString(encoder, document);
      encoding.writeVarUint(encoder, 2);
      encoding.writeVarUint(encoder, 0);
      encoding.writeVarString(encoder, "");
      encoding.writeVarString(encoder, "4.7.0");
    }),
  ],
  askState: (document) => syncFrame(STEP1, EMPTY_STATE_VECTOR, document),
  update: (document, update) => syncFrame(UPDATE, update, document),
  createReader: () => (message) => {
    const decoder = decoding.createDecoder(message);
    decoding.readVarString(decoder);
    const type = decoding.readVarUint(decoder);
    if (type === SYNC || type === 4) return [readSync(decoder)];
    return type === 8 && decoding.readVarUint(decoder) === 1 ? [{ type: "taken", frames: 1 }] : [{ type: "other" }];
  },
};

/** The reference server: the echo of an update says that it was applied in memory. */
export const yWebsocket: Dialect = {
  path: (document) => `/${document}`,
  protocols: [],
  greeting: () => [],
  askState: () => syncFrame(STEP1, EMPTY_STATE_VECTOR),
  update: (_document, update) => syncFrame(UPDATE, update),
  createReader: () => (message) => {
    const decoder = decoding.createDecoder(message);
    if (decoding.readVarUint(decoder) !== SYNC) return [{ type: "other" }];
    const heard = readSync(decoder);
    return heard.type === "update" ? [heard, { type: "taken", frames: 1 }] : [heard];
  },
};
