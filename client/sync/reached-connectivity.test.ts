import { expect, test } from "vitest";
import { createReachedConnectivity } from "./reached-connectivity.ts";

test("reaching the server is a wake-up, also where the browser says that there is no network and never takes it back", () => {
  const listeners = new Set<() => void>();
  const wakers = new Set<() => void>();
  let server = false;
  const connectivity = createReachedConnectivity(
    {
      online: () => false,
      onWake: (callback) => {
        wakers.add(callback);
        return () => wakers.delete(callback);
      },
      onOffline: () => () => undefined,
    },
    {
      online: () => server,
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  );
  let woken = 0;
  const stop = connectivity.onWake(() => woken++);
  const tell = (isReached: boolean): void => {
    server = isReached;
    for (const listener of listeners) listener();
  };
  expect(connectivity.online()).toBe(false);
  tell(false);
  tell(true);
  tell(true);
  expect([woken, connectivity.online()]).toEqual([1, true]);
  tell(false);
  tell(true);
  expect(woken).toBe(2);
  for (const wake of wakers) wake();
  expect(woken).toBe(3);
  stop();
  tell(false);
  tell(true);
  expect([woken, wakers.size]).toEqual([3, 0]);
});
