import type { Message } from "./message.ts";

/** The key under which a parent's chosen child is kept; roots share the parent `root`. */
export const ROOT = "root";

/** Messages by parent, each list sorted by id (oldest first). Messages whose parent is unknown are roots. */
export function childrenByParent<M extends Message>(messages: Iterable<M>): Map<string, M[]> {
  const all = [...messages];
  const known = new Set<string>(all.map((message) => message.id));
  const children = new Map<string, M[]>();
  for (const message of all) {
    const parent = message.parentId !== undefined && known.has(message.parentId) ? message.parentId : ROOT;
    const siblings = children.get(parent);
    if (siblings) siblings.push(message);
    else children.set(parent, [message]);
  }
  for (const siblings of children.values()) siblings.sort((a, b) => (a.id < b.id ? -1 : 1));
  return children;
}

/**
 * The path through the tree that is shown: from the root take the chosen child, or the newest where none
 * was chosen. Cycles (which only a hostile writer can make) end the path instead of hanging it.
 * @param chosen answers the chosen child's id for a parent's id (or `ROOT`)
 */
export function shownBranch<M extends Message>(
  children: ReadonlyMap<string, readonly M[]>,
  chosen: (parent: string) => string | undefined,
): M[] {
  const branch: M[] = [];
  const seen = new Set<string>();
  let parent: string = ROOT;
  for (;;) {
    const siblings = children.get(parent);
    const choice = chosen(parent);
    const next = siblings?.find((message) => message.id === choice) ?? siblings?.at(-1);
    if (!next || seen.has(next.id)) return branch;
    seen.add(next.id);
    branch.push(next);
    parent = next.id;
  }
}
