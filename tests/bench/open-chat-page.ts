/** When the last message was painted at the end of the view, and how many messages were on the page by then. */
export interface Opened {
  paintedMs: number;
  articles: number;
}

declare global {
  var opening: {
    /** Opens a chat by its row in the library; answers when the text of its last message is painted. */
    click(title: string, last: string): Promise<Opened>;
    /** The same, counted from the start of this page. */
    sinceStart(last: string): Promise<Opened>;
    articles(): number;
    startTiming(): void;
    /** ms from each key that took longer than Event Timing's least to the next paint */
    timings(): number[];
  };
}

/** Runs in the page before everything else there. */
export function openingProbe(): void {
  let timings: number[] = [];
  const keys = new PerformanceObserver((list) => {
    for (const { name, duration } of list.getEntries()) if (name === "keydown") timings.push(duration);
  });

  const log = document.getElementsByClassName("messages");
  const articles = () => log[0]?.getElementsByTagName("article") ?? [];
  function isShown(last: string): boolean {
    const scroller = log[0]?.parentElement;
    const text = [...articles()].at(-1)?.querySelector(".markdown")?.textContent ?? "";
    return !!scroller && text.includes(last) && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 2;
  }
  /** What is there when a frame begins was put there before; the message arrives after the frame was painted. */
  const painted = (from: number, last: string) =>
    new Promise<Opened>((resolve) => {
      const after = new MessageChannel();
      after.port1.addEventListener("message", () => {
        resolve({ paintedMs: performance.now() - from, articles: articles().length });
      });
      after.port1.start();
      const look = (): void => {
        if (isShown(last)) after.port2.postMessage(undefined);
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });

  globalThis.opening = {
    click(title, last) {
      const rows = [...document.querySelectorAll<HTMLAnchorElement>("nav a")];
      const from = performance.now();
      rows.find((row) => row.textContent === title)?.click();
      return painted(from, last);
    },
    sinceStart: (last) => painted(0, last),
    articles: () => articles().length,
    startTiming() {
      timings = [];
      const least: PerformanceObserverInit & { durationThreshold: number } = { type: "event", durationThreshold: 16 };
      keys.observe(least);
    },
    timings: () => timings,
  };
}
