import { useEffect, useRef } from "react";
import type { Clock } from "#client/platform/platform.ts";
import { useAnnounce } from "#client/ui/announcer.tsx";
import { words } from "#client/ui/words/words.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { isTerminal } from "#shared/domain/run.ts";
import { countWords } from "./answer-state.ts";
import { NOTHING_ANNOUNCED, nextAnnouncement } from "./announcement-state.ts";
import type { Announcement } from "./announcement-state.ts";
import { useNow } from "./use-now.ts";

function wordsOf(announcement: Announcement): string {
  switch (announcement.type) {
    case "generating":
      return words.chat.generating;
    case "still":
      return words.chat.stillGenerating;
    case "complete":
      return words.chat.complete(announcement.words);
  }
}

/** Tells people who listen instead of look when an answer begins, goes on and is complete. */
export function useRunAnnouncements(
  conversation: ConversationDocument,
  active: string | undefined,
  clock: Clock,
): void {
  const announce = useAnnounce();
  const state = useRef(NOTHING_ANNOUNCED);
  const now = useNow(clock, active !== undefined);
  useEffect(() => {
    const ended = active === undefined ? state.current.runId : undefined;
    const read = (): void => {
      const next = nextAnnouncement(state.current, active, completedWords(conversation, ended), clock.now());
      state.current = next.state;
      if (next.say) announce(wordsOf(next.say));
    };
    // The follower knows the end before the document has the last words: count when they are here.
    if (ended === undefined || isOver(conversation, ended)) return read();
    const stop = conversation.subscribe(() => {
      if (isOver(conversation, ended)) {
        stop();
        read();
      }
    });
    return stop;
    // oxlint-disable-next-line react/exhaustive-effect-dependencies -- `now` is not read: each new second is a reason to look again
  }, [conversation, active, now, clock, announce]);
}

const answerOf = (conversation: ConversationDocument, runId: string) => {
  for (const message of conversation.messages()) {
    if (message.role === "assistant" && message.run?.runId === runId) return message;
  }
  return undefined;
};

function isOver(conversation: ConversationDocument, runId: string): boolean {
  const run = answerOf(conversation, runId)?.run;
  return run === undefined || isTerminal(run.status);
}

function completedWords(conversation: ConversationDocument, runId: string | undefined): number | undefined {
  const answer = runId === undefined ? undefined : answerOf(conversation, runId);
  return answer?.run?.status === "completed" ? countWords(answer.text) : undefined;
}
