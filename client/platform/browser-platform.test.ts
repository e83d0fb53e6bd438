import { expect, test } from "vitest";
import { openConnectivity, openVisibility } from "./browser-connectivity.ts";
import { createOpenSocket } from "./browser-socket.ts";
import { createLocks } from "./locks.ts";
import { createPainting } from "./painting.ts";
import type { SocketEvents } from "./platform.ts";
import { createSmallStorage } from "./small-storage.ts";

class FakeWebSocket extends EventTarget {
  static readonly OPEN = 1;
  static last: FakeWebSocket;
  readonly url: string;
  readonly protocols: string[];
  readyState = 0;
  binaryType = "blob";
  bufferedAmount = 7;
  sent: Uint8Array[] = [];
  constructor(url: URL, protocols: string[]) {
    super();
    this.url = url.href;
    this.protocols = protocols;
    FakeWebSocket.last = this;
  }
  send(message: Uint8Array): void {
    this.sent.push(message);
  }
  close(): void {
    this.readyState = 2;
  }
  emit(type: string, fields: object = {}): void {
    this.dispatchEvent(Object.assign(new Event(type), fields));
  }
}

function openFake(origin: string) {
  const heard: unknown[] = [];
  const events: SocketEvents = {
    onOpen: () => heard.push("open"),
    onMessage: (message) => heard.push([...message]),
    onClose: (code) => heard.push(code),
  };
  const open = createOpenSocket(origin, FakeWebSocket as unknown as typeof WebSocket);
  const socket = open("/sync/room", ["holdfast.sync.v1"], events);
  return { heard, socket, fake: FakeWebSocket.last };
}

test("a socket goes to this origin, as safe as the page, and speaks bytes", () => {
  expect(openFake("https://chat.example").fake.url).toBe("wss://chat.example/sync/room");
  const { heard, socket, fake } = openFake("http://localhost:5173");
  expect([fake.url, fake.protocols, fake.binaryType]).toEqual([
    "ws://localhost:5173/sync/room",
    ["holdfast.sync.v1"],
    "arraybuffer",
  ]);
  socket.send(new Uint8Array([1])); // before it is open there is nobody to send to
  fake.readyState = FakeWebSocket.OPEN;
  fake.emit("open");
  socket.send(new Uint8Array([2]));
  fake.emit("message", { data: new Uint8Array([3]).buffer });
  expect([heard, fake.sent.map((bytes) => [...bytes]), socket.bufferedBytes()]).toEqual([["open", [3]], [[2]], 7]);
});

test("a socket closes exactly once, and says nothing after", async () => {
  const { heard, socket, fake } = openFake("http://localhost");
  socket.close();
  await Promise.resolve();
  fake.emit("close", { code: 1000 });
  fake.emit("message", { data: new Uint8Array([3]).buffer });
  expect(heard).toEqual([1006]);
  const other = openFake("http://localhost");
  other.fake.emit("close", { code: 4404 });
  other.fake.emit("close", { code: 1006 });
  expect(other.heard).toEqual([4404]);
});

function aPage() {
  const document = Object.assign(new EventTarget(), { visibilityState: "visible", hidden: false });
  const page = Object.assign(new EventTarget(), { document, navigator: { onLine: true } });
  return { page: page as unknown as Window, document };
}

test("online, becoming visible and coming back from the page cache wake; the signal ends it", () => {
  const { page, document } = aPage();
  const life = new AbortController();
  const connectivity = openConnectivity(life.signal, page);
  const visibility = openVisibility(life.signal, page);
  const calls = { wake: 0, offline: 0, hide: 0 };
  connectivity.onWake(() => calls.wake++);
  connectivity.onOffline(() => calls.offline++);
  visibility.onHide(() => calls.hide++);
  const all = (): void => {
    page.dispatchEvent(new Event("online"));
    page.dispatchEvent(new Event("offline"));
    page.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: false }));
    page.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
    document.visibilityState = "hidden";
    document.dispatchEvent(new Event("visibilitychange"));
    document.visibilityState = "visible";
    document.dispatchEvent(new Event("visibilitychange"));
  };
  all();
  expect(calls).toEqual({ wake: 3, offline: 1, hide: 1 });
  life.abort();
  all();
  expect(calls).toEqual({ wake: 3, offline: 1, hide: 1 });
});

test("a page that is hidden before its next picture is called by the timer, once", () => {
  const { page } = aPage();
  const frames: (() => void)[] = [];
  Object.assign(page, {
    requestAnimationFrame: (frame: () => void) => frames.push(frame),
    cancelAnimationFrame: () => undefined,
  });
  const timers: (() => void)[] = [];
  const clock = { now: () => 0, after: (_ms: number, ring: () => void) => (timers.push(ring), () => undefined) };
  let calls = 0;
  createPainting(clock, page).beforeNext(() => calls++);
  timers[0]?.();
  frames[0]?.();
  expect(calls).toBe(1);
  const cancel = createPainting(clock, page).beforeNext(() => calls++);
  cancel();
  timers[1]?.();
  expect(calls).toBe(1);
});

test("what the browser refuses to keep is remembered until the page closes, and said", () => {
  const refusing = createSmallStorage(() => {
    throw new DOMException("denied", "SecurityError");
  });
  expect(refusing.write("k", "v")).toBe(false);
  expect([refusing.read("k"), refusing.read("other")]).toEqual(["v", undefined]);
});

test("without Web Locks the work is done all the same", async () => {
  const locks = createLocks(undefined);
  expect(await locks.hold("name", new AbortController().signal, () => Promise.resolve(4))).toBe(4);
});
