import type { SmallStorage } from "#client/platform/small-storage.ts";

/** A schema, as far as reading back needs one. */
interface Reads<T> {
  safeParse(raw: unknown): { success: true; data: T } | { success: false };
}

/** A value kept in small storage as JSON. What cannot be read back, e.g. written by a newer version, reads as nothing. */
export function remembered<T>(storage: SmallStorage, key: string, schema: Reads<T>) {
  return {
    read(): T | undefined {
      const text = storage.read(key);
      if (text === undefined) return undefined;
      try {
        const parsed = schema.safeParse(JSON.parse(text));
        return parsed.success ? parsed.data : undefined;
      } catch {
        return undefined; // not JSON: not ours
      }
    },
    write: (value: T): boolean => storage.write(key, JSON.stringify(value)),
  };
}
