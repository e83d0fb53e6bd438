/** What the browser says about the storage it lends this origin. `undefined`: it does not say. */
export interface DeviceStorage {
  /** bytes that everything of this origin takes, the app's own files among them */
  usage(): Promise<number | undefined>;
  /** whether the browser promised not to delete it for lack of room */
  persisted(): Promise<boolean | undefined>;
  /** Asks for that promise; the browser may ask the person. Answers what it said. */
  persist(): Promise<boolean | undefined>;
}

/** https://storage.spec.whatwg.org; absent where the page is not secure, and partly in old browsers. */
export function createDeviceStorage(manager: Partial<StorageManager> | undefined): DeviceStorage {
  return {
    // The quota beside it is made up by some browsers, and bites elsewhere.
    usage: async () => (await quietly(manager?.estimate?.bind(manager)))?.usage,
    persisted: async () => await quietly(manager?.persisted?.bind(manager)),
    persist: async () => await quietly(manager?.persist?.bind(manager)),
  };
}

async function quietly<T>(ask: (() => Promise<T>) | undefined): Promise<T | undefined> {
  try {
    return await ask?.();
  } catch {
    return undefined; // refused to say, as in some private windows
  }
}
