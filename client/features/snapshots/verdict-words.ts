import { formatBytes } from "#client/ui/words/format-bytes.ts";
import { provenanceWords } from "#client/ui/words/provenance-words.ts";
import type { FilePart } from "#shared/provenance/read-snapshot-file.ts";
import type { FileVerdict } from "#shared/provenance/verify-snapshot-file.ts";
import { timeOf } from "./mark-words.ts";
import { MOST_FILE_BYTES } from "./verify-file-state.ts";
import type { FileCheck } from "./verify-file-state.ts";

/** What is said of a file. */
export interface VerdictWords {
  title: string;
  lines: string[];
  /** the fingerprint of the key that signed it */
  kid?: string;
  weight: "good" | "plain" | "warn";
}

const { file: text, verdicts } = provenanceWords;

const serverOf = (server: string): string => server || text.unnamedServer;

/** `undefined` while there is nothing to say yet. */
export function wordsOf(check: FileCheck): VerdictWords | undefined {
  switch (check.type) {
    case "none":
    case "checking":
      return undefined;
    case "too-large": {
      const line = text["too-large"](formatBytes(check.size), formatBytes(MOST_FILE_BYTES));
      return { title: verdicts["too-large"], lines: [line], weight: "plain" };
    }
    case "several":
    case "unreadable":
    case "no-code":
      return { title: verdicts[check.type], lines: [text[check.type]], weight: "plain" };
    case "judged":
      return verdictWords(check.checked.verdict, check.checked.keysKnown);
  }
}

function verdictWords(verdict: FileVerdict, keysKnown: boolean): VerdictWords {
  switch (verdict.type) {
    case "intact":
      return intactWords(verdict);
    case "changed":
      return { title: verdicts.changed, lines: [partWords(verdict.part), text.changedAbout], weight: "warn" };
    case "other-server": {
      const lines = [text["other-server"](serverOf(verdict.server)), ...(keysKnown ? [] : [text.noKeys])];
      const title = keysKnown ? verdicts["other-server"] : verdicts["no-keys"];
      return { title, lines, kid: verdict.kid, weight: "plain" };
    }
    case "key-retired": {
      const line = text["key-retired"](timeOf(verdict.signedAt), timeOf(verdict.retiredAt));
      return { title: verdicts["key-retired"], lines: [line], kid: verdict.kid, weight: "warn" };
    }
    case "key-expired": {
      const line = text["key-expired"](timeOf(verdict.signedAt), timeOf(verdict.expiredAt));
      return { title: verdicts["key-expired"], lines: [line], kid: verdict.kid, weight: "warn" };
    }
    case "not-signed":
    case "not-a-snapshot-file":
      return { title: verdicts[verdict.type], lines: [text[verdict.type]], weight: "warn" };
    case "newer-format":
    case "cannot-check":
      return { title: verdicts[verdict.type], lines: [text[verdict.type]], weight: "plain" };
  }
}

function intactWords({ trust, kid, signedAt, server }: Extract<FileVerdict, { type: "intact" }>): VerdictWords {
  const [at, by] = [timeOf(signedAt), serverOf(server)];
  if (trust === "self-claimed") {
    const lines = [text.intactByItself(at, by), text.trust[trust]];
    return { title: verdicts["self-claimed"], lines, kid, weight: "plain" };
  }
  return { title: verdicts.intact, lines: [text.intact(at, by), text.trust[trust]], kid, weight: "good" };
}

function partWords(part: FilePart): string {
  const { changed } = provenanceWords;
  if (part.type !== "message") return changed[part.type];
  const { place, role, createdAt } = part;
  if (role === undefined || createdAt === undefined) return changed.message(place);
  return changed.messageOf(place, role === "user" ? changed.prompt : changed.answer, timeOf(createdAt));
}
