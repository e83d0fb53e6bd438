import { openDB } from "idb";
import { removeDatabase, within } from "#client/local-store/remove-database.ts";
import type { TabMessage } from "#client/local-store/tab-messages.ts";
import type { Platform } from "#client/platform/platform.ts";
import { meSchema } from "#shared/protocol/http-bodies.ts";
import { SHARED_TAB_KEY } from "./remembered-me.ts";
import { DATABASES_KEY, accountOf } from "./wipe-mark.ts";
import { isEdit, wipedKeys } from "./wiped-keys.ts";
import type { Staying } from "./wiped-keys.ts";

/** What a browser keeps and shows of an account outside of its databases. */
export interface Traces {
  /** throws where the browser refuses it, as does the other one */
  localStorage(): Storage;
  /** of this window */
  sessionStorage(): Storage;
  /** absent where the page is not secure */
  caches: Pick<CacheStorage, "keys" | "delete"> | undefined;
  /** Takes away what is shown outside of the page: notifications and the badge. */
  clearShown(): Promise<void>;
}

type OpenStorage = () => Storage;

export interface SweepParts {
  platform: Pick<Platform, "clock" | "openBroadcast">;
  traces: Traces;
}

export interface Sweep {
  /** whether anything was there */
  found: boolean;
  /** accounts of which a database is still there, without its content where another tab let that happen */
  held: string[];
}

/** ms in which tabs that run let go of a database, so that nothing is written to it any more when it is emptied */
const LET_GO_MS = 200;
const READ_MS = 3_000;

/** Takes everything of these accounts off this device. Safe to repeat. */
export async function sweepDevice(
  { platform, traces }: SweepParts,
  accountIds: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Sweep> {
  const local = traces.localStorage;
  const isOwn = (name: string): boolean => accountIds.has(accountOf(name));
  const names = await databaseNames(local);
  const left = await removeDatabases(platform, names.filter(isOwn), signal);
  const staying = await stayingIn(
    platform,
    names.filter((name) => !isOwn(name)),
    accountIds,
    local,
  );
  let found = names.some(isOwn);
  for (const storage of [local, traces.sessionStorage]) if (clearStorage(storage, staying)) found = true;
  const others = (await quietly(() => traces.caches?.keys())) ?? [];
  // The app's own files stay: it has to open without a network.
  for (const name of others.filter((one) => !one.includes("-precache-"))) {
    found = true;
    await quietly(() => traces.caches?.delete(name));
  }
  await quietly(() => traces.clearShown());
  const listed = await listDatabases();
  const still = new Set([...left, ...listed.filter(isOwn)]);
  writeNames(local, (name) => !isOwn(name) || still.has(name));
  return { found, held: [...new Set([...still].map(accountOf))] };
}

/** Answers which could not be deleted now. */
async function removeDatabases(
  { clock, openBroadcast }: SweepParts["platform"],
  names: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  if (names.length === 0) return [];
  for (const name of names) openBroadcast(name, signal).post({ type: "let-go", because: "wiped" } satisfies TabMessage);
  await new Promise<void>((resolve) => clock.after(LET_GO_MS, resolve));
  const gone = await Promise.all(names.map((name) => removeDatabase(name, clock)));
  return names.filter((_, at) => gone[at] !== true);
}

/** Who has a database here, or is the one this browser remembers, and stays. */
async function stayingIn(
  { clock }: SweepParts["platform"],
  names: readonly string[],
  leaving: ReadonlySet<string>,
  local: OpenStorage,
): Promise<Staying> {
  const entries = entriesOf(local);
  const me = entries.flatMap(([key, value]) => (key === "holdfast.me" ? (accountIn(value) ?? []) : []));
  const accountIds = new Set([...names.map(accountOf), ...me].filter((id) => !leaving.has(id)));
  // Databases are opened only where something hangs on it.
  const read = entries.some(([key]) => isEdit(key)) ? names : [];
  const ids = await Promise.all(read.map((name) => within(READ_MS, clock, conversationIdsIn(name))));
  return { accountIds, conversationIds: new Set(ids.flatMap((some) => some ?? [])) };
}

function accountIn(text: string): string | undefined {
  try {
    const me = meSchema.safeParse(JSON.parse(text));
    return me.success ? me.data.accountId : undefined;
  } catch {
    return undefined; // not JSON: not ours
  }
}

export async function conversationIdsIn(name: string): Promise<string[]> {
  // One that was noted and is not there must not come to be.
  const db = await openDB(name, undefined, { upgrade: (_db, _from, _to, upgrade) => upgrade.abort() });
  try {
    const stores = ["documents", "summaries"].filter((store) => db.objectStoreNames.contains(store));
    return (await Promise.all(stores.map((store) => db.getAllKeys(store)))).flat().map(String);
  } finally {
    db.close();
  }
}

/** Answers whether anything was there. */
function clearStorage(storage: OpenStorage, staying: Staying): boolean {
  const entries = entriesOf(storage);
  // A tab that is open for somebody on a shared device has nothing but ids, and needs them.
  if (entries.some(([key, value]) => key === SHARED_TAB_KEY && value !== "")) return false;
  const keys = wipedKeys(entries, staying);
  for (const key of keys) storage().removeItem(key);
  return keys.length > 0;
}

function entriesOf(open: OpenStorage): [key: string, value: string][] {
  try {
    const storage = open();
    // All at once: the numbers of those behind change when one goes.
    const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
    return keys.map((key) => [key, storage.getItem(key) ?? ""]);
  } catch {
    return []; // what is refused keeps nothing
  }
}

/** Whether any text kept here is of an account. */
export const hasTextsOf = (storage: OpenStorage, accountId: string): boolean =>
  entriesOf(storage).some(([key, value]) => key.startsWith("holdfast.") && (key + value).includes(accountId));

const listDatabases = async (): Promise<string[]> =>
  ((await quietly(() => indexedDB.databases())) ?? []).flatMap(({ name }) => name ?? []);

/** Those the browser lists, and those that were noted when they were made, because older ones list none. */
export async function databaseNames(local: OpenStorage): Promise<string[]> {
  const noted = entriesOf(local).flatMap(([key, value]) => (key === DATABASES_KEY ? value.split("\n") : []));
  const all = [...(await listDatabases()), ...noted];
  return [...new Set(all)].filter((name) => name.startsWith("holdfast:"));
}

function writeNames(local: OpenStorage, stays: (name: string) => boolean): void {
  const noted = entriesOf(local).find(([key]) => key === DATABASES_KEY)?.[1];
  if (noted === undefined) return;
  const names = noted.split("\n").filter((name) => name !== "" && stays(name));
  local().setItem(DATABASES_KEY, names.map((name) => `${name}\n`).join(""));
}

/** What it answers; nothing where the browser does not have it, or refuses it. */
async function quietly<T>(ask: () => Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await ask();
  } catch {
    return undefined;
  }
}
