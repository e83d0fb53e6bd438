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
  /** why an answer is unverified */
  reasons: {
    "no-receipt":
      "The server signed nothing about this answer. It may be older than signing, imported, or carry on words that were changed.",
    "other-server": "Another server signed this answer, or one whose keys are not known here.",
    "key-retired": "This answer says it was signed after its key was retired.",
    "bad-signature": "The signature is wrong: what it says was changed.",
    "alg-none": "This answer says of itself that it is not signed.",
    "wrong-alg": "This answer is signed by a method that Holdfast does not use.",
    malformed: "The signature cannot be read.",
    "cannot-check":
      "This browser cannot check signatures here. That takes a secure address (https) and a browser of 2025 or newer.",
    "other-message": "The signature belongs to another answer.",
    "other-facts": "Model, version, times or ending shown here are not those that were signed.",
  },
  limits:
    "The server vouches for what it received, not for what is true. It does not know who really answered at the provider's address.",
  file: {
    intact: (signedAt: string, server: string) =>
      `Nothing in this file was changed since ${server} signed it on ${signedAt}.`,
    trust: {
      trusted: "It was signed by this server.",
      rotated: "It was signed by this server, with a key that was in use then and is retired now.",
      "self-claimed":
        "It agrees with the keys inside it, but nobody else vouches for them. Compare the fingerprint with that of the server it says it is from.",
    },
    unnamedServer: "a server without an address",
    fingerprint: (kid: string) => `Fingerprint of the key: ${kid}`,
    "other-server": (server: string) => `This file says it is from ${server}. Another server than this one signed it.`,
    "key-retired": (signedAt: string, retiredAt: string) =>
      `This file says it was signed on ${signedAt}, but its key was retired on ${retiredAt}.`,
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
