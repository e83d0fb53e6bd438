import type { StoreAnswer } from "./sqlite-messages.ts";
import type { SqliteThread } from "./sqlite-thread.ts";

/** The same thread, and whether the last it was asked failed because the store could not do it. */
export function watchWrites(thread: SqliteThread): { thread: SqliteThread; failing(): boolean } {
  let failing = false;
  return {
    thread: {
      ...thread,
      async ask(request) {
        const answer = await thread.ask(request);
        failing = failsAfter(failing, answer);
        return answer;
      },
    },
    failing: () => failing,
  };
}

/** A read that succeeds, or a conflict, says nothing about writing. */
function failsAfter(before: boolean, answer: StoreAnswer): boolean {
  switch (answer.kind) {
    case "outcomes":
      if (answer.outcomes.some((failure) => failure === undefined)) return false;
      return before || answer.outcomes.some((failure) => failure?.kind === "unavailable");
    case "failed":
      return before || answer.failure.kind === "unavailable";
    case "rows":
    case "closed":
      return before;
  }
}
