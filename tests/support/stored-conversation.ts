import { createUuidV7 } from "#shared/lib/uuid.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import { openNodeDevice } from "./node-device.ts";
import { appendAnswer, startAnswer } from "#shared/documents/write-answer.ts";

export interface LongConversation {
  title: string;
  /** prompts and answers together, each prompt with its answer */
  messages: number;
  /** what an answer says; turns count from 1 */
  answer?: (turn: number) => string;
  /** how the run of an answer ended, where it is not simply complete */
  ending?: (turn: number) => Partial<RunFacts>;
}

/** Turns of one edit: an update above the size cap would be refused. */
const TURNS_AN_EDIT = 50;
/** ms since 1970 of the first prompt; each later turn comes a minute after the one before */
const FIRST_AT = Date.UTC(2026, 0, 5, 9);
const MINUTE_MS = 60_000;

const newId = (at: number): string => createUuidV7(at, (length) => crypto.getRandomValues(new Uint8Array(length)));

/** An answer of some 130 words: prose and, in turn, a list, a table or code. Every turn has words of its own. */
export function longAnswer(turn: number): string {
  const prose = `Answer ${turn}. The tide turns because the Moon pulls the near side of the Earth a little **more** than its centre, and the far side a little *less*; see \`tide(${turn})\` and [the tables](https://example.com/${turn}). `;
  const extras = [
    `- spring tides, ${turn} cm above the mean\n- neap tides\n- the rest of the month`,
    `| Phase | Tide |\n| --- | ---: |\n| New | ${turn} m |\n| Quarter | 3.1 m |`,
    `\`\`\`ts\nexport const tide = (hours: number): number => Math.cos(hours / ${turn});\nconsole.log(tide(6));\n\`\`\``,
  ];
  return [
    `### Turn ${turn}`,
    prose.repeat(1 + (turn % 3)).trim(),
    extras[turn % extras.length],
    `The sea takes its time, and so does turn ${turn}: what comes next depends on the wind, the shape of the shore and the depth of the water.`,
  ].join("\n\n");
}

/** Writes a conversation with finished answers to the server, by a device of the account of the cookie; answers its id. */
export async function storeConversation(serverUrl: string, cookie: string, long: LongConversation): Promise<string> {
  const id = newId(FIRST_AT);
  const device = openNodeDevice(serverUrl, cookie, `conversation.${id}.0`);
  const { answer = longAnswer, ending = () => ({}) } = long;
  const turns = Math.ceil(long.messages / 2);
  device.edit((conversation) => conversation.rename(long.title));
  let parentId: MessageId | undefined;
  for (let first = 1; first <= turns; first += TURNS_AN_EDIT) {
    const token = device.edit((conversation) => {
      conversation.doc.transact(() => {
        for (let turn = first; turn < Math.min(first + TURNS_AN_EDIT, turns + 1); turn++) {
          parentId = addTurn(conversation, parentId, { turn, text: answer(turn), ending: ending(turn) });
        }
      }, "local");
    });
    await device.until(() => device.settled() >= token || device.refused().length > 0);
    if (device.refused().length > 0) throw new Error(`the server refused: ${device.refused().join(", ")}`);
  }
  device.close();
  return id;
}

function addTurn(
  conversation: ConversationDocument,
  parentId: MessageId | undefined,
  { turn, text, ending }: { turn: number; text: string; ending: Partial<RunFacts> },
): MessageId {
  const at = FIRST_AT + turn * MINUTE_MS;
  const promptId = newId(at) as MessageId;
  const answerId = newId(at + 1) as MessageId;
  const run: RunFacts = {
    runId: newId(at + 1),
    model: "scripted-1",
    parameters: {},
    status: "completed",
    finish: "stop",
    frame: 1,
    queuedAt: at,
    startedAt: at,
    firstTokenAt: at + 400,
    endedAt: at + 4_000,
    ...ending,
  };
  const plannedRun = { runId: run.runId, messageId: answerId, model: run.model };
  conversation.addPrompt({
    id: promptId,
    parentId,
    text: `Question ${turn}: why does the tide turn?`,
    createdAt: at,
    plannedRun,
  });
  startAnswer(conversation, { id: answerId, parentId: promptId, createdAt: at + 1, run: { ...run, frame: 0 } });
  appendAnswer(conversation, answerId, { text, reasoning: "", run });
  return answerId;
}
