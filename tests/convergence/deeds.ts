import { cancelPrompt, placeAfter, sendPrompt } from "#client/features/composer/send-prompt.ts";
import type { SendPowers } from "#client/features/composer/send-prompt.ts";
import type { RunCommand } from "#client/local-store/run-command.ts";
import type { OpenConversation } from "#client/local-store/documents.ts";
import type { Runs } from "#client/runs/runs.ts";
import { isTerminal } from "#shared/domain/run.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import { MODEL } from "./provider.ts";
import type { Chance } from "./world.ts";
import type { Tab } from "./tab.ts";

/** Whole insertions in a draft: two halves could otherwise join to look like a third. */
const INSERTED = /<d\d-\d+>/gu;

/** One random edit of a person, with a tag of its own that nothing ever removes. */
export function edit(tab: Tab, id: string, chance: Chance): void {
  const open = tab.open(id);
  const mark = tab.mark(id);
  open.conversation.doc.transact(() => {
    open.conversation.setTag(mark.name, true);
    randomEdit(tab, open, mark.name, chance);
  }, "edit");
}

/** One letter at the end of the draft; only some are marked, since each mark makes the library's entry longer. */
export function keystroke(tab: Tab, id: string, marked: boolean): void {
  if (marked) return type(tab, id);
  const { doc, draft } = tab.open(id).conversation;
  doc.transact(() => draft.insert(draft.length, "k"), "edit");
}

/** Goes on with the draft where it ends, whichever tab wrote that. */
export function type(tab: Tab, id: string): void {
  const open = tab.open(id);
  if (open.status().type !== "ready") return;
  const mark = tab.mark(id);
  const { doc, draft } = open.conversation;
  doc.transact(() => {
    open.conversation.setTag(mark.name, true);
    draft.insert(draft.length, `<${mark.name}>`);
  }, "edit");
}

function randomEdit(tab: Tab, { conversation: chat }: OpenConversation, mark: string, chance: Chance): void {
  const branch = chat.branch();
  switch (chance.below(8)) {
    case 0:
      return chat.rename(`title ${mark}`);
    case 1:
      return chat.setParameter("temperature", chance.below(20) / 10);
    case 2: {
      const id = tab.newId() as MessageId;
      return chat.addPrompt({ id, parentId: placeAfter(chat), text: `note [${mark}]`, createdAt: tab.now() });
    }
    case 3:
    case 4:
      return chat.draft.insert(chance.below(chat.draft.length + 1), `<${mark}>`);
    case 5: {
      const whole = [...chat.draft.toJSON().matchAll(INSERTED)];
      const one = whole[chance.below(whole.length || 1)];
      return one && chat.draft.delete(one.index, one[0].length);
    }
    case 6: {
      const plain = branch.filter((message) => message.role === "user" && message.plannedRun === undefined);
      const one = plain[chance.below(plain.length || 1)];
      return one && chance.is(0.4) ? chat.removeMessage(one.id) : chat.setPinned(chance.is(0.5));
    }
    default:
      return chat.setTag(`tag ${chance.below(5)}`, chance.is(0.5));
  }
}

const powersOf = (tab: Tab, runs: Runs): SendPowers => ({
  newId: tab.newId,
  clock: { now: tab.now, after: () => () => undefined },
  runs,
});

/** A prompt with the run that answers it, sent as the composer does. */
export function send(tab: Tab, id: string): void {
  const open = tab.open(id);
  // A document that is still being read has no branch to write below.
  if (open.status().type !== "ready") return;
  const mark = tab.mark(id);
  const deliver = (command: RunCommand): void => {
    mark.runId = command.runId;
    tab.runs.deliver(command);
  };
  open.conversation.setTag(mark.name, true);
  const parentId = placeAfter(open.conversation);
  sendPrompt(powersOf(tab, { ...tab.runs, deliver }), open, {
    text: `{${mark.name}}`,
    parentId,
    model: MODEL,
    takesDraft: false,
  });
  if (mark.runId !== undefined) tab.follow(mark.runId);
}

/**
 * Takes a prompt back that waits to go out, or tries to.
 * @param onTaken told of its run, which need not start any more
 */
export function takeBack(tab: Tab, id: string, chance: Chance, onTaken: (runId: string) => void): void {
  const open = tab.open(id);
  const waiting = [...open.conversation.messages()].flatMap((message) => {
    const runId = message.role === "user" ? message.plannedRun?.runId : undefined;
    const isWaiting = runId !== undefined && (tab.runs.delivery(runId)?.type ?? "refused") !== "refused";
    return message.role === "user" && isWaiting ? [{ message, runId }] : [];
  });
  const one = waiting[chance.below(waiting.length || 1)];
  if (one === undefined) return;
  onTaken(one.runId);
  void cancelPrompt(powersOf(tab, tab.runs), open, one.message);
}

/** Reads what is being answered, as a page does that shows it. */
export function follow(tab: Tab, id: string): void {
  const runIds = liveRuns(tab.open(id));
  for (const runId of runIds) tab.follow(runId);
}

export function stop(tab: Tab, id: string, chance: Chance): void {
  const runIds = liveRuns(tab.open(id));
  const runId = runIds[chance.below(runIds.length || 1)];
  if (runId !== undefined) tab.runs.stop(runId);
}

const liveRuns = ({ conversation }: OpenConversation): string[] =>
  [...conversation.messages()].flatMap((message) =>
    message.role === "assistant" && message.run && !isTerminal(message.run.status) ? [message.run.runId] : [],
  );
