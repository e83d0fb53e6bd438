import { numbersIn } from "./numbers-in.ts";

const number = numbersIn("en");

/** Who wrote an answer, and whether a file is what was signed. Each text stands beside the mark or verdict of its name. */
export const enProvenance = {
  marks: {
    verified: "Verified",
    "verified-other-context": "Verified, asked something else",
    edited: "Edited",
    unverified: "Unverified",
  },
  explanations: {
    verified: (model: string) =>
      `These are the words of ${model}, as this server received them. It was asked exactly what stands before them here.`,
    "verified-other-context": (model: string) =>
      `These are the words of ${model}, but what stands before them here is not what it was asked: a message, the system prompt or a parameter was different.`,
    edited: (model: string) => `${model} wrote an answer here, but not these words: they were changed afterwards.`,
  },
  /** what the button of a mark is called; what is seen of it is the mark */
  explain: {
    verified: (model: string) => `Verified output of ${model}: what this means`,
    "verified-other-context": (model: string) => `Verified, asked something else. Output of ${model}: what this means`,
    edited: (model: string) => `Edited output of ${model}: what this means`,
    unverified: (model: string, why: string) => `Unverified: ${why}. Output of ${model}: what this means`,
    byItself: (model: string) => `Agrees with the file's own keys. Output of ${model}: what this means`,
  },
  unverified: (why: string) => `Unverified: ${why}`,
  /** in place of a mark, where the keys came with the file */
  byItself: "Agrees with the file's own keys",
  byItselfAbout:
    "The keys are those in the file, and nobody else vouches for them: anybody can make such a file with keys of their own.",
  /** what a mark means, if those keys are what they seem */
  byItselfExplanations: {
    verified: (model: string) =>
      `By the file's own keys, these are the words of ${model}, which was asked exactly what stands before them here.`,
    "verified-other-context": (model: string) =>
      `By the file's own keys, these are the words of ${model}, but it was asked something else than what stands before them here.`,
    edited: (model: string) => `By the file's own keys, ${model} wrote an answer here, but not these words.`,
  },
  version: "Version that answered",
  signedAt: "Signed",
  key: "Key",
  /** how many answers of a snapshot are verified */
  count: {
    verified: (verified: number, answers: number) =>
      `${number(verified)} of ${number(answers)} ${answers === 1 ? "answer" : "answers"} verified`,
    byItself: (agreeing: number, answers: number) =>
      `${number(agreeing)} of ${number(answers)} ${answers === 1 ? "answer agrees" : "answers agree"} with the file's own keys`,
    "verified-other-context": (count: number) => `${number(count)} asked something else`,
    edited: (count: number) => `${number(count)} edited`,
    unverified: (count: number) => `${number(count)} unverified`,
    checking: "Checking who wrote the answers…",
    noKeys:
      "Who wrote the answers can't be checked yet: the keys of this server come to this device when you're online.",
    failed: "Who wrote the answers can't be checked right now: a part of the app could not be loaded.",
  },
  /** why an answer is unverified, in a few words */
  shortReasons: {
    "no-receipt": "not signed",
    "other-server": "signed by another server",
    "key-retired": "the key was retired",
    "key-expired": "the key had expired",
    "bad-signature": "wrong signature",
    "alg-none": "not signed",
    "wrong-alg": "unknown method",
    malformed: "unreadable signature",
    "cannot-check": "cannot be checked here",
    "other-message": "signature of another answer",
    "other-facts": "other facts were signed",
  },
  /** why an answer is unverified */
  reasons: {
    "no-receipt":
      "The server signed nothing about this answer. It may be older than signing, imported, or carry on words that were changed.",
    "other-server": "Another server signed this answer, or one whose keys are not known here.",
    "bad-signature": "The signature is wrong: what it says was changed.",
    "alg-none": "This answer says of itself that it is not signed.",
    "wrong-alg": "This answer is signed by a method that Holdfast does not use.",
    malformed: "The signature cannot be read.",
    "cannot-check":
      "This browser cannot check signatures here. That takes a secure address (https) and a browser of 2025 or newer.",
    "other-message": "The signature belongs to another answer.",
    "other-facts": "Model, version, times or ending shown here are not those that were signed.",
  },
  /** why an answer is unverified that was signed when its key had ended */
  late: {
    "key-retired": (signedAt: string, endedAt: string) =>
      `This answer says it was signed on ${signedAt}, but its key was retired on ${endedAt}.`,
    "key-expired": (signedAt: string, endedAt: string) =>
      `This answer says it was signed on ${signedAt}, but its key expired on ${endedAt}.`,
  },
  limits:
    "The server vouches for what it received, not for what is true. It does not know who really answered at the provider's address.",
  page: {
    title: "Verify a snapshot file",
    about:
      "Choose a signed file of a snapshot (.holdfast.json) to see whether anything in it was changed. It is checked on this device and sent nowhere.",
    choose: "Choose a file",
    drop: "or drop it anywhere on this page",
    dropNow: "Drop the file to check it",
    checking: (name: string) => `Checking “${name}”…`,
    checkByItself: "Check against its own keys",
    import: "Import as a snapshot",
    importAbout: "It becomes a snapshot of yours, with the same content and the same content id.",
    imported: "Imported as a snapshot",
    here: "You have a snapshot with exactly this content:",
    hereDeleted: "You have a snapshot with exactly this content, in the trash:",
    facts: "What the file says of itself",
    snapshot: "Snapshot",
    number: (index: number) => `Number ${number(index)} of its chat`,
    taken: "Taken",
    server: "Server",
    note: "Note",
    tags: "Tags",
  },
  /** what the result is, in a word or two */
  verdicts: {
    intact: "Intact",
    "self-claimed": "Whole, but nobody vouches for it",
    changed: "Changed",
    "other-server": "Signed by another server",
    "no-keys": "Whole, but not compared with this server's keys",
    "key-retired": "Signed after its key was retired",
    "key-expired": "Signed after its key expired",
    "not-signed": "Not signed",
    "not-a-snapshot-file": "Not a snapshot file",
    "newer-format": "Made by a newer version",
    "cannot-check": "Cannot be checked here",
    "too-large": "Too large",
    several: "One file at a time",
    unreadable: "The file could not be read",
    "no-code": "Could not be checked right now",
  },
  file: {
    changedAbout: "Nothing of it is shown, because it could mislead you. Ask whoever gave it to you for the original.",
    noKeys:
      "The keys of this server have not come to this device yet, and it is offline: whether this server signed the file is not known.",
    "too-large": (size: string, most: string) => `The file has ${size}. Files of up to ${most} are checked here.`,
    several: "Drop one file, and then the next.",
    unreadable:
      "This browser could not read it. It may have been moved or changed since it was chosen. Choose it again.",
    "no-code": "A part of the app could not be loaded. Try again when you're online.",
    intact: (signedAt: string, server: string) =>
      `Nothing in this file was changed since ${server} signed it on ${signedAt}.`,
    intactByItself: (signedAt: string, server: string) =>
      `Nothing in this file was changed since it was signed. It says it is from ${server}, of ${signedAt}.`,
    trust: {
      trusted: "It was signed by this server.",
      rotated: "It was signed by this server, with a key that was in use then and is retired now.",
      "self-claimed":
        "It agrees with the keys inside it, but nobody else vouches for them. Compare the fingerprint with that of the server it says it is from.",
    },
    unnamedServer: "a server without an address",
    fingerprint: "Fingerprint of the key:",
    "other-server": (server: string) =>
      `The file is whole, and signed by a key that this server does not know. It says it is from ${server}.`,
    "key-retired": (signedAt: string, retiredAt: string) =>
      `This file says it was signed on ${signedAt}, but its key was retired on ${retiredAt}.`,
    "key-expired": (signedAt: string, expiredAt: string) =>
      `This file says it was signed on ${signedAt}, but its key expired on ${expiredAt}.`,
    "not-signed": "This file is not signed: anybody may have written it.",
    "not-a-snapshot-file": "This is not a snapshot file of Holdfast, or its beginning is damaged.",
    "newer-format": "This file was made by a newer version of Holdfast. Update the app to open it.",
    "cannot-check":
      "This browser cannot check signatures here. That takes a secure address (https) and a browser of 2025 or newer.",
  },
  /** what was changed in a file */
  changed: {
    layout: "This file was changed: its layout is damaged, or something was added to it or cut off.",
    meta: "This file was changed: its title, note, tags, number or times are not those that were signed.",
    manifest: "This file was changed: its settings, or the list of its messages, are not those that were signed.",
    message: (place: number) => `This file was changed: message ${place} is not the one that was signed.`,
    messageOf: (place: number, who: string, when: string) =>
      `This file was changed: message ${place} (${who}, ${when}) is not the one that was signed.`,
    prompt: "a prompt",
    answer: "an answer",
    count: "This file was changed: whole messages were added or removed.",
    keys: "This file was changed: the keys in it are not those that were signed.",
    signature: "This file was changed: its signature is damaged, or is of something else.",
  },
};
