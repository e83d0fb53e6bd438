/** What a reload would disturb. */
export interface Surroundings {
  now: number;
  /** when a key was last pressed, or text came in another way */
  typedAt: number;
  /** a field with words in it has the focus */
  writing: boolean;
  /** an answer comes in, here */
  streaming: boolean;
  hidden: boolean;
  /** words are in this window and nowhere else, since neither this device nor the server takes them */
  onlyHere: boolean;
}

/** How long after the last key a person counts as typing, in ms. */
export const TYPING_MS = 10_000;

/** Whether a reload would disturb nobody: never where it would lose words or an answer comes in, nor where a person sees it and writes. */
export function isQuiet({ now, typedAt, writing, streaming, hidden, onlyHere }: Surroundings): boolean {
  if (streaming || onlyHere) return false;
  return hidden || (!writing && now - typedAt >= TYPING_MS);
}

/** What is known when a part of this build could not be fetched. */
export interface MissingPart {
  online: boolean;
  quiet: boolean;
  /** names the build that runs */
  build: string;
  /** the build whose missing part this window has already reloaded for */
  reloadedFor: string | undefined;
}

/**
 * Whether to load the page again for a part that is missing. Once for each build: where that brings the same build, its
 * part is missing there too, and words have to do.
 */
export const mayReloadFor = ({ online, quiet, build, reloadedFor }: MissingPart): boolean =>
  online && quiet && reloadedFor !== build;
