import type { LogFacts } from "./log-facts.ts";
import type { DocumentLog } from "./room-events.ts";

/** The feed shows a document at most once a second; a tick finds what is left over after half of it. */
const FEED_MS = 1_000;
const FEED_REST_MS = 500;

type Head = Pick<LogFacts, "exists" | "headSeq">;

/** How far the library shows a document, and when it is to be told more. Times are ms. */
export function createProjection() {
  let seq = 0;
  let at = -Infinity;

  const isCurrent = ({ exists, headSeq }: Head): boolean => !exists || seq >= headSeq;

  return {
    /**
     * The log was read. A summary that is not of this log was made from a copy that was wrong, or by another
     * version: it is made anew.
     * @param summary what the document's summary is
     */
    wasRead(log: DocumentLog, summary: string): void {
      const isProjection = log.summarySeq === log.headSeq && log.summary === summary;
      seq = isProjection ? log.headSeq : Math.min(log.summarySeq, log.headSeq - 1);
      at = -Infinity;
    },
    /** The library was told of the document as it is at this head. */
    wasTold(headSeq: number, now: number): void {
      seq = headSeq;
      at = now;
    },
    isCurrent,
    /** Whether a commit is to tell the library as well. */
    isDue: ({ exists }: Head, now: number): boolean => !exists || now - at >= FEED_MS,
    /** Whether earlier commits left something out that is to be told now. */
    isLate: (head: Head, now: number): boolean => !isCurrent(head) && now - at >= FEED_REST_MS,
    /** The next commit tells the library, however soon it comes. */
    hurry: (): void => void (at = -Infinity),
  };
}
