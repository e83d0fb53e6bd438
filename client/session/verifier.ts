import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { Jwks } from "#shared/provenance/signing-keys.ts";
import type { AnswerMark } from "#shared/provenance/verify-answer.ts";
import type { FileVerdict } from "#shared/provenance/verify-snapshot-file.ts";

/** What can be said of the messages of a snapshot, in their order; `undefined` for those that people wrote. */
export type AnswerMarks =
  | { type: "marked"; marks: readonly (AnswerMark | undefined)[] }
  /** the keys of this server never came to this device, and cannot be had now */
  | { type: "no-keys" };

export interface CheckedFile {
  verdict: FileVerdict;
  /** false where this server's keys never came to this device: then no file can be one of its own */
  keysKnown: boolean;
}

/**
 * Says who wrote an answer and whether a file is what was signed, on this device, by the keys that this server publishes.
 * They are kept here, so that it works without a network once they came.
 */
export interface Verifier {
  /**
   * Shows the marks by the keys that are here, and once more where the server has others by now. Resolves when there is
   * nothing more to show.
   */
  markAnswers(content: FrozenContent, show: (marks: AnswerMarks) => void): Promise<void>;
  /** The marks by keys that somebody hands over: worth no more than whoever vouches for those. */
  markBy(content: FrozenContent, keys: Jwks): Promise<AnswerMarks>;
  checkFile(bytes: Uint8Array): Promise<CheckedFile>;
  /** Whether a file agrees with the keys that it brings along itself. */
  checkByItself(bytes: Uint8Array): Promise<FileVerdict>;
}
