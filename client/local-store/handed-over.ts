import * as Y from "yjs";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { RunCommand } from "./run-command.ts";

/** What a person did in a copy that another one had taken the place of (C9). */
export type HandedOver =
  | {
      type: "edit";
      update: Uint8Array;
      /** the copy it was made in, whose clocks it goes on with */
      from: Y.Doc;
    }
  | { type: "command"; edit: (conversation: ConversationDocument) => void; command: RunCommand };

export interface HandedOverHost {
  /** whether this device's copy was read */
  loaded(): boolean;
  /** whether the server's copy was merged in */
  arrived(): boolean;
  edit(update: Uint8Array): void;
  editWithCommand(edit: (conversation: ConversationDocument) => void, command: RunCommand): void;
  /** Keeps a copy on this device whose words are to come back; answers whether it is stored. */
  setAside(content: Uint8Array): Promise<boolean>;
  changed(): void;
}

/** What was handed over to a copy, until it is in it. */
export interface HandedOverEdits {
  add(one: HandedOver): void;
  /** Takes in what can be taken in; to be called when more of the document came. */
  takeIn(): void;
  /** whether anything is here only */
  any(): boolean;
}

/**
 * Takes in what was handed over to `doc`, in order, as edits made here. An edit that builds on what the document does
 * not have waits for the server's copy; if that does not have it either, the copy it was made in is set aside.
 */
export function createHandedOverEdits(doc: Y.Doc, host: HandedOverHost): HandedOverEdits {
  let waiting: HandedOver[] = [];
  let settingAside = false;

  function takeIn(): void {
    if (!host.loaded()) return;
    const before = waiting;
    waiting = [];
    const left = before.filter((one) => !isTakenIn(one));
    waiting = [...left, ...waiting];
    if (waiting.length > 0 && host.arrived()) void setAside();
  }

  function isTakenIn(one: HandedOver): boolean {
    if (one.type === "command") host.editWithCommand(one.edit, one.command);
    else if (!canTake(doc, one.update)) return false;
    else host.edit(one.update);
    return true;
  }

  async function setAside(): Promise<void> {
    if (settingAside) return;
    settingAside = true;
    const given = new Set(waiting);
    const copies = new Set(waiting.flatMap((one) => (one.type === "edit" ? [one.from] : [])));
    const stored = await Promise.all([...copies].map((copy) => host.setAside(Y.encodeStateAsUpdate(copy))));
    settingAside = false;
    // What cannot be stored is tried again when the server's copy comes again, and is not said to be saved until then.
    if (stored.every(Boolean)) waiting = waiting.filter((one) => !given.has(one));
    host.changed();
  }

  return {
    add(one) {
      waiting.push(one);
      takeIn();
      host.changed();
    },
    takeIn,
    any: () => waiting.length > 0,
  };
}

/** Whether an update builds on nothing but what a document has; Yjs would keep it back without a word. */
function canTake(doc: Y.Doc, update: Uint8Array): boolean {
  const probe = new Y.Doc();
  try {
    Y.applyUpdate(probe, Y.encodeStateAsUpdate(doc));
    Y.applyUpdate(probe, update);
  } catch {
    return false;
  }
  return probe.store.pendingStructs === null && probe.store.pendingDs === null;
}
