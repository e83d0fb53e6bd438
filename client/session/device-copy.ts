import type { Snapshots } from "#client/local-store/snapshots.ts";
import type { QuarantinedRecord, Unacknowledged } from "#client/local-store/local-store.ts";
import type { DeviceStorage } from "#client/platform/device-storage.ts";
import type { Clock } from "#client/platform/platform.ts";
import type { ExportWords } from "#shared/documents/transcript.ts";
import { saveFile } from "#client/platform/save-file.ts";
import { exportEverything } from "./export-everything.ts";
import type { ExportParts, ExportedFile } from "./export-everything.ts";
import { datedFileName } from "./file-builder.ts";

/** How things stand with what is stored here. `undefined`: it cannot be told. */
export interface DeviceOverview {
  /** bytes the browser counts for this app */
  usage: number | undefined;
  /** whether the browser promised to keep it */
  kept: boolean | undefined;
  /** chats of the library, and how many of them are on this device */
  chats: number;
  here: number | undefined;
  /** changes that wait to be sent, and in how many chats */
  waiting: { changes: number; chats: number } | undefined;
  /** records that were set aside */
  setAside: number | undefined;
}

/** What is on this device as a whole: how much it is, and ways to take it along. */
export interface DeviceCopy {
  overview(): Promise<DeviceOverview>;
  /** Asks the browser not to delete it for lack of room; answers whether it promised. */
  askToKeep(): Promise<boolean | undefined>;
  /** Saves everything readable as a file; answers what is in it. */
  exportEverything(words: ExportWords): Promise<Omit<ExportedFile, "file">>;
  /** Saves what was set aside as a file, byte by byte. Answers whether it could be read. */
  exportSetAside(): Promise<boolean>;
  /** Forgets what was set aside, for good. */
  removeSetAside(): Promise<boolean>;
}

export interface DeviceCopyParts extends ExportParts {
  snapshots: Pick<Snapshots, "entries" | "contents" | "loaded" | "subscribe">;
  storage: DeviceStorage;
  clock: Clock;
}

export function openDeviceCopy(parts: DeviceCopyParts): DeviceCopy {
  const { store, library, storage, clock } = parts;

  /** Copies whose words are still to come back are no concern of anybody yet. */
  async function setAside(): Promise<(QuarantinedRecord & { key: number })[] | undefined> {
    const records = await store.quarantined();
    return records.ok ? records.value.filter(({ waits }) => waits !== true) : undefined;
  }

  return {
    async overview() {
      const [usage, kept, ids, outbox, records] = await Promise.all([
        storage.usage(),
        storage.persisted(),
        store.documentIds(),
        store.outbox(),
        setAside(),
      ]);
      const chats = library.entries().filter(({ summary }) => !summary.deleted);
      return {
        usage,
        kept,
        chats: chats.length,
        here: ids.ok ? chats.filter(({ id }) => ids.value.has(id)).length : undefined,
        waiting: outbox.ok ? waitingIn(outbox.value) : undefined,
        setAside: records?.length,
      };
    },
    askToKeep: () => storage.persist(),
    async exportEverything(words) {
      await untilLoaded(parts);
      const { file, ...about } = await exportEverything(parts, words, clock.now());
      saveFile(datedFileName("holdfast", clock.now()), file);
      return about;
    },
    async exportSetAside() {
      const records = await setAside();
      if (records) saveFile(datedFileName("holdfast-set-aside", clock.now()), setAsideFile(records));
      return records !== undefined;
    },
    async removeSetAside() {
      const records = await setAside();
      if (!records) return false;
      return (await store.removeQuarantined(records.map(({ key }) => key))).ok;
    },
  };
}

function waitingIn({ rows, snapshots }: Unacknowledged): DeviceOverview["waiting"] {
  const changes = [...rows.values()].reduce((sum, { length }) => sum + length, snapshots.waiting + snapshots.refused);
  return { changes, chats: rows.size };
}

/** So long an export waits for the snapshots to be read, in ms: without their code it goes on without them. */
const LOADING_MS = 5_000;

function untilLoaded({ snapshots, clock }: DeviceCopyParts): Promise<void> {
  if (snapshots.loaded()) return Promise.resolve();
  return new Promise((resolve) => {
    const stopTimer = clock.after(LOADING_MS, done);
    const stop = snapshots.subscribe(() => snapshots.loaded() && done());
    function done(): void {
      stopTimer();
      stop();
      resolve();
    }
  });
}

/** Records as they are: bytes as base64, whatever else as JSON. */
export function setAsideFile(records: readonly QuarantinedRecord[]): Blob {
  const listed = records.map(({ documentId, reason, store, content }) => ({
    documentId,
    reason,
    store,
    ...(content instanceof Uint8Array ? { base64: base64(content) } : { value: plain(content) }),
  }));
  const file = { format: "holdfast.set-aside", version: 1, records: listed };
  return new Blob([JSON.stringify(file, undefined, 1), "\n"], { type: "application/json" });
}

/** Bytes inside a garbled record are shown as base64 as well. */
function plain(content: unknown): unknown {
  try {
    return JSON.parse(
      JSON.stringify(content, (_key, value: unknown) =>
        value instanceof Uint8Array ? { base64: base64(value) } : typeof value === "bigint" ? String(value) : value,
      ) ?? "null",
    ) as unknown;
  } catch {
    return String(content); // refers to itself, which only a garbled record can
  }
}

const PIECE = 0x8000;

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += PIECE) text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return btoa(text);
}
