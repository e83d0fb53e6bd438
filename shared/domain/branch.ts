import type { Message } from "./message.ts";

/** The key under which a parent's chosen child is kept; roots share the parent `root`. */
export const ROOT = "root";

/** Messages by the place where they hang in the tree. */
export interface MessageTree<M extends Message> {
  /** children of a message's id, or of `ROOT`; each list sorted by id, oldest first */
  children: ReadonlyMap<string, readonly M[]>;
  /** the key in `children` under which a message is found */
  parentKeyOf(message: M): string;
}

/**
 * Puts messages in their places. A prompt written while the answer before it was still planned names that
 * answer as its parent; until the answer exists, it hangs below the prompt that planned it, so that several
 * prompts can wait in a row. Messages whose parent is known in no way are roots.
 */
export function createMessageTree<M extends Message>(messages: Iterable<M>): MessageTree<M> {
  const all = [...messages];
  const known = new Set<string>(all.map((message) => message.id));
  const planners = new Map<string, string>();
  for (const message of all)
    if (message.role === "user" && message.plannedRun) planners.set(message.plannedRun.messageId, message.id);
  const parentKeyOf = ({ parentId }: M): string => {
    if (parentId === undefined) return ROOT;
    return known.has(parentId) ? parentId : (planners.get(parentId) ?? ROOT);
  };
  const children = new Map<string, M[]>();
  for (const message of all) {
    const siblings = children.get(parentKeyOf(message));
    if (siblings) siblings.push(message);
    else children.set(parentKeyOf(message), [message]);
  }
  for (const siblings of children.values()) siblings.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { children, parentKeyOf };
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

/**
 * The path from the root to a message, itself included, through whatever stands in for a parent that does not
 * exist yet. Empty for an unknown id; a cycle, which only a hostile writer can make, ends the path.
 */
export function pathTo<M extends Message>(
  tree: MessageTree<M>,
  message: (id: string) => M | undefined,
  id: string,
): M[] {
  const path: M[] = [];
  const seen = new Set<string>();
  let next = message(id);
  while (next !== undefined && !seen.has(next.id)) {
    seen.add(next.id);
    path.push(next);
    next = message(tree.parentKeyOf(next));
  }
  return path.toReversed();
}
