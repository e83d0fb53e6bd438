/** How long the list of snapshots took to be there, in ms from the press of its tab. */
export interface ShownSnapshots {
  /** until the rows that a person sees first were painted */
  rows: number;
  /** from a word in the search box, typed right after, until the oldest snapshot was painted: all of them are read by then */
  found: number;
}

/** Runs in the page: presses the tab of the snapshots, and searches for the oldest once the first rows are there. */
export async function openSnapshotList({ rows, oldest }: { rows: number; oldest: string }): Promise<ShownSnapshots> {
  const tab = document.querySelector<HTMLElement>("#tab-snapshots");
  const box = document.querySelector<HTMLInputElement>("input[type=search]");
  if (!tab || !box) throw new Error("there is no library");
  const since = performance.now();
  // What is there at the start of a frame was painted with the one before.
  const until = async (there: (links: HTMLElement[]) => boolean): Promise<number> => {
    for (;;) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      if (there([...document.querySelectorAll<HTMLElement>("#library-list a[href^='/snapshots/']")])) break;
      if (performance.now() - since > 30_000) throw new Error("the list is not there after 30 s");
    }
    await new Promise((resolve) => requestAnimationFrame(resolve));
    return performance.now();
  };
  tab.click();
  const painted = await until((links) => links.length >= rows);
  box.focus();
  document.execCommand("insertText", false, oldest);
  const found = await until((links) => links.length === 1 && links[0]?.textContent.includes(oldest) === true);
  return { rows: painted - since, found: found - painted };
}
