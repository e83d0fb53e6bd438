import { beforeAll, describe, expect, test } from "vitest";
import { CompactSign } from "jose";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import { META, SIGNED_AT, aContent, aFile, aParty, frozen, macOf } from "#tests/support/signing-party.ts";
import type { SigningParty } from "#tests/support/signing-party.ts";
import { SNAPSHOT_FILE_TYPE } from "./snapshot-file.ts";
import { verifySnapshotFile } from "./verify-snapshot-file.ts";
import type { FileVerdict } from "./verify-snapshot-file.ts";

let party: SigningParty;
let content: FrozenContent;
let bytes: Uint8Array;
let text: string;
beforeAll(async () => {
  party = await aParty();
  content = await aContent(party, [
    { prompt: "Wie heißt das? 🗼", answer: 'Tokyo Tower.\nIt is "red" – 東京.' },
    { prompt: "How tall?", answer: "333 m", reasoning: "It is known." },
  ]);
  bytes = await aFile(party, content);
  text = new TextDecoder().decode(bytes);
});

const encode = (file: string): Uint8Array => new TextEncoder().encode(file);
const trusted = () => ({ keys: [party.key] });
const verdictOf = (file: string | Uint8Array, keys: Parameters<typeof verifySnapshotFile>[1] = trusted()) =>
  verifySnapshotFile(typeof file === "string" ? encode(file) : file, keys);
const lines = (): string[] => text.split("\n");
const joined = (change: (all: string[]) => void): string => {
  const all = lines();
  change(all);
  return all.join("\n");
};
/** the place of the first message among the lines */
const FIRST = 4;

/** For each byte, the line it is in; a line feed is the end of its line. */
function lineOfEachByte(): number[] {
  let line = 0;
  return Array.from(bytes, (byte) => (byte === 10 ? line++ : line));
}

test("a file is one JSON text, says what was frozen, and is intact by the keys of its server", async () => {
  expect(JSON.parse(text)).toMatchObject({
    format: "holdfast.snapshot-file.v1",
    meta: META,
    messages: content.messages,
  });
  const verdict = await verdictOf(bytes);
  expect(verdict).toEqual({
    type: "intact",
    trust: "trusted",
    kid: party.key.kid,
    signedAt: SIGNED_AT * 1000,
    server: "https://chat.example.org",
    file: { meta: META, content, keys: { keys: [party.key] } },
  });
  expect(lines()).toHaveLength(FIRST + content.messages.length + 4);
});

test("without keys a file can only agree with itself, and that is said", async () => {
  expect(await verifySnapshotFile(bytes, undefined)).toMatchObject({
    type: "intact",
    trust: "self-claimed",
    kid: party.key.kid,
  });
});

test.each([1, 4, 32, 128])(
  "no byte can be changed without being noticed, and it is blamed on the part or the message it is in (bits %i)",
  async (bits) => {
    const at = lineOfEachByte();
    const wrong: string[] = [];
    const blamed = new Map<string, number>();
    for (const [index, byte] of bytes.entries()) {
      const flipped = Uint8Array.from(bytes);
      flipped[index] = byte ^ bits;
      const verdict = await verifySnapshotFile(flipped, index % 2 === 0 ? trusted() : undefined);
      const part = verdict.type === "changed" ? verdict.part.type : verdict.type;
      blamed.set(part, (blamed.get(part) ?? 0) + 1);
      const expected = blameFor(at[index] ?? 0, byte);
      if (verdict.type === "intact" || !expected.includes(placeIn(verdict)))
        wrong.push(`byte ${index} of line ${at[index]}: ${JSON.stringify(verdict)}`);
    }
    for (const part of ["meta", "manifest", "layout", "message", "keys", "signature"])
      expect(blamed.get(part)).toBeGreaterThan(0);
    expect(blamed.get("message")).toBeGreaterThan(1000);
    expect(wrong).toEqual([]);
  },
);

const placeIn = (verdict: FileVerdict): string =>
  verdict.type !== "changed"
    ? verdict.type
    : verdict.part.type === "message"
      ? `message ${verdict.part.place}`
      : verdict.part.type;

/** What may be said where a byte of a line is changed. The line feed at its end belongs to it, and to the layout. */
function blameFor(line: number, byte: number): string[] {
  const messages = content.messages.map((_, index) => `message ${index + 1}`);
  const parts = ["layout", "meta", "manifest", "layout", ...messages, "layout", "keys", "signature"];
  const part = parts[line] ?? "";
  if (part.startsWith("message")) return [part];
  // The first line may then say that it is of another format, and a header that it is signed by no method.
  const besides = line === 0 ? ["newer-format", "not-a-snapshot-file"] : part === "signature" ? ["not-signed"] : [];
  return [part, ...besides, ...(byte === 10 ? ["layout", parts[line + 1] ?? "layout"] : [])];
}

test("of a message that was changed it is said whose it is and of when", async () => {
  const changed = text.replace("How tall?", "How tell?");
  expect(await verdictOf(changed)).toEqual({
    type: "changed",
    part: { type: "message", place: 3, role: "user", createdAt: content.messages[2]?.createdAt },
  });
  const torn = text.replace("How tall?", "How tall?\n");
  expect(await verdictOf(torn)).toEqual({
    type: "changed",
    part: { type: "message", place: 3, role: "user", createdAt: content.messages[2]?.createdAt },
  });
});

describe("who signed it", () => {
  test("another server's file is whole, and another server's", async () => {
    const other = await aParty();
    expect(await verdictOf(await aFile(other, content))).toEqual({
      type: "other-server",
      kid: other.key.kid,
      server: "https://chat.example.org",
    });
  });

  test("a key that takes the name of a trusted one is no key of that name", async () => {
    const other = await aParty();
    const forged = { ...other, key: { ...other.key, kid: party.key.kid } };
    const file = await aFile(forged, content, {
      sign: (claims) => other.sign(SNAPSHOT_FILE_TYPE, claims, { kid: party.key.kid }),
    });
    for (const keys of [trusted(), undefined])
      expect(await verifySnapshotFile(file, keys)).toEqual({ type: "changed", part: { type: "keys" } });
  });

  test("a key that was retired later signed it while it was in use", async () => {
    const keys = { keys: [{ ...party.key, retiredAt: SIGNED_AT * 1000 }] };
    expect(await verdictOf(bytes, keys)).toMatchObject({ type: "intact", trust: "rotated" });
  });

  test("what is signed after its key was retired is refused", async () => {
    const retiredAt = SIGNED_AT * 1000 - 1;
    expect(await verdictOf(bytes, { keys: [{ ...party.key, retiredAt }] })).toEqual({
      type: "key-retired",
      kid: party.key.kid,
      signedAt: SIGNED_AT * 1000,
      retiredAt,
    });
    const retired = { ...party, key: { ...party.key, retiredAt } };
    expect(await verifySnapshotFile(await aFile(retired, content), undefined)).toMatchObject({ type: "key-retired" });
  });

  test("what is signed when its key had ended by itself is refused, with both times", async () => {
    expect(await verdictOf(bytes, { keys: [{ ...party.key, exp: SIGNED_AT }] })).toEqual({
      type: "key-expired",
      kid: party.key.kid,
      signedAt: SIGNED_AT * 1000,
      expiredAt: SIGNED_AT * 1000,
    });
    const expired = { ...party, key: { ...party.key, exp: SIGNED_AT - 1 } };
    expect(await verifySnapshotFile(await aFile(expired, content), undefined)).toMatchObject({ type: "key-expired" });
  });

  test("what was signed before its key ended stays what it was", async () => {
    const exp = SIGNED_AT + 1;
    expect(await verdictOf(bytes, { keys: [{ ...party.key, exp }] })).toMatchObject({ trust: "trusted" });
    const retiredAt = SIGNED_AT * 1000;
    expect(await verdictOf(bytes, { keys: [{ ...party.key, exp, retiredAt }] })).toMatchObject({ trust: "rotated" });
    const file = await aFile({ ...party, key: { ...party.key, exp } }, content);
    expect(await verifySnapshotFile(file, undefined)).toMatchObject({
      type: "intact",
      file: { keys: { keys: [{ exp }] } },
    });
  });

  test.each([
    ["key-retired", { exp: SIGNED_AT - 10, retiredAt: (SIGNED_AT - 20) * 1000 }],
    ["key-expired", { exp: SIGNED_AT - 20, retiredAt: (SIGNED_AT - 10) * 1000 }],
  ])("of two ends the first is named: %s", async (type, ends) => {
    expect(await verdictOf(bytes, { keys: [{ ...party.key, ...ends }] })).toMatchObject({ type });
  });

  test("alg none is no signature, with or without one behind it, and neither is none at all", async () => {
    const [, payload = "", signature = ""] = signatureOf(text).split(".");
    for (const alg of ["none", "None", "NONE"]) {
      const head = base64({ alg, kid: party.key.kid, typ: SNAPSHOT_FILE_TYPE });
      for (const jws of [`${head}.${payload}.`, `${head}.${payload}.${signature}`])
        expect(await verdictOf(withSignature(jws))).toEqual({ type: "not-signed" });
    }
    expect(await verdictOf(withSignature(""))).toEqual({ type: "not-signed" });
  });

  test("a secret that everybody knows, such as the public key, signs nothing", async () => {
    const [, payload = ""] = signatureOf(text).split(".");
    const head = base64({ alg: "HS256", kid: party.key.kid, typ: SNAPSHOT_FILE_TYPE });
    for (const secret of [party.key.x, Buffer.from(party.key.x, "base64url"), JSON.stringify(party.key)]) {
      expect(await verdictOf(withSignature(macOf(secret, `${head}.${payload}`)))).toEqual({
        type: "changed",
        part: { type: "signature" },
      });
    }
  });

  test("a signature of the same key over something else is none of a file", async () => {
    const claims = JSON.parse(Buffer.from(signatureOf(text).split(".")[1] ?? "", "base64url").toString()) as object;
    const other = await party.sign("holdfast-receipt+jwt", claims);
    const withKey = await party.sign(SNAPSHOT_FILE_TYPE, claims, { jwk: party.key });
    const unknown = await party.sign(SNAPSHOT_FILE_TYPE, { ...claims, exp: 1 });
    const critical = await new CompactSign(encode(JSON.stringify(claims)))
      .setProtectedHeader({ alg: "EdDSA", kid: party.key.kid, typ: SNAPSHOT_FILE_TYPE, crit: ["b64"], b64: true })
      .sign(party.privateKey);
    for (const jws of [other, withKey, unknown, critical])
      expect(await verdictOf(withSignature(jws))).toEqual({ type: "changed", part: { type: "signature" } });
    // The same claims under the same header are the file's own signature again: Ed25519 has one for each message.
    expect(await verdictOf(withSignature(await party.sign(SNAPSHOT_FILE_TYPE, claims)))).toMatchObject({
      type: "intact",
    });
  });
});

describe("another spelling of the same file is another file", () => {
  test("bits of base64url that mean nothing must be zero, and padding absent", async () => {
    const jws = signatureOf(text);
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const last = alphabet.indexOf(jws.at(-1) ?? "");
    const spellings = [1, 2, 4, 8].map((bit) => jws.slice(0, -1) + (alphabet[last ^ bit] ?? ""));
    expect(Buffer.from(spellings[0]!.split(".")[2]!, "base64url")).toEqual(
      Buffer.from(jws.split(".")[2]!, "base64url"),
    );
    for (const spelling of [...spellings, `${jws}=`, `${jws}==`])
      expect(await verdictOf(withSignature(spelling))).toEqual({ type: "changed", part: { type: "signature" } });
  });

  const layout = { type: "changed", part: { type: "layout" } };
  test("a byte order mark, other line ends, and bytes behind the end are damage of the layout", async () => {
    expect(await verdictOf(`\uFEFF${text}`)).toEqual(layout);
    expect(await verdictOf(text.replaceAll("\n", "\r\n"))).toEqual(layout);
    for (const more of [" ", "\n", "\0", "{}", "\r\n"]) expect(await verdictOf(text + more)).toEqual(layout);
    expect(await verdictOf(text.slice(0, -1))).toEqual(layout);
    expect(await verdictOf(`\n${text}`)).toEqual(layout);
  });

  test("the same JSON with other white space, order or escapes is not the file", async () => {
    expect((await verdictOf(JSON.stringify(JSON.parse(text)))).type).not.toBe("intact");
    expect((await verdictOf(JSON.stringify(JSON.parse(text), undefined, 2))).type).not.toBe("intact");
    expect(await verdictOf(text.replace("東京 🗼", "\\u6771京 🗼"))).toEqual({
      type: "changed",
      part: { type: "meta" },
    });
    expect(await verdictOf(text.replace('"number":3', '"number":3.0'))).toEqual({
      type: "changed",
      part: { type: "meta" },
    });
  });

  test("a key that is there twice is noticed, whichever of the two a reader would take", async () => {
    const message = (change: (line: string) => string): string =>
      joined((all) => (all[FIRST] = change(all[FIRST] ?? "")));
    const named = { type: "changed", part: { type: "message", place: 1 } };
    const forged = '"text":"forged",';
    expect(await verdictOf(message((line) => line.replace('"text"', `${forged}"text"`)))).toMatchObject(named);
    expect(await verdictOf(message((line) => line.replace(/\},$/, ',"text":"forged"},')))).toMatchObject(named);
    expect(await verdictOf(text.replace('"title"', '"title":"x","title"'))).toEqual({
      type: "changed",
      part: { type: "meta" },
    });
    // A second part of the same name behind the first.
    expect(await verdictOf(joined((all) => all.splice(2, 0, (all[1] ?? "").replace("Pläne", "Plan"))))).toEqual({
      type: "changed",
      part: { type: "manifest" },
    });
  });

  test("a field that this version does not know could not be vouched for", async () => {
    expect(await verdictOf(text.replace('"note":""', '"note":"","other":1'))).toEqual({
      type: "changed",
      part: { type: "meta" },
    });
    const signed = frozen([Object.assign({ extra: 1 }, content.messages[0])]);
    expect(await verdictOf(await aFile(party, signed))).toMatchObject({
      type: "changed",
      part: { type: "message", place: 1 },
    });
    expect(
      await verdictOf(text.replace('"text":"How tall?"', '"text":"How tall?","__proto__":{"role":"x"}')),
    ).toMatchObject({ part: { place: 3 } });
  });

  test("bytes that are no UTF-8, or another spelling of it, are noticed", async () => {
    const at = text.indexOf("How tall?");
    const before = encode(text.slice(0, at));
    for (const other of [[0xc1, 0x88], [0xff], [0xed, 0xa0, 0x80]]) {
      const file = Buffer.concat([before, Uint8Array.from(other), encode(text.slice(at + 1))]);
      expect(await verdictOf(file)).toMatchObject({ type: "changed", part: { type: "message", place: 3 } });
    }
    expect(await verdictOf(text.replace("How tall?", "\\ud800 tall?"))).toMatchObject({
      part: { type: "message", place: 3 },
    });
  });

  test("a file that was cut off anywhere is not intact, and names the message it was cut off in", async () => {
    const at = lineOfEachByte();
    for (let length = 0; length < bytes.length; length += 3) {
      const verdict = await verdictOf(bytes.slice(0, length));
      expect(verdict.type).not.toBe("intact");
      const place = (at[length] ?? 0) - FIRST + 1;
      if (place >= 1 && place <= content.messages.length)
        expect(verdict).toMatchObject({ part: { type: "message", place } });
    }
  });

  test("messages that are taken out, put in or swapped are noticed", async () => {
    const last = FIRST + content.messages.length - 1;
    const without = joined((all) => all.splice(FIRST, 1));
    const doubled = joined((all) => all.splice(FIRST, 0, all[FIRST] ?? ""));
    const swapped = joined((all) => all.splice(FIRST, 2, all[FIRST + 1] ?? "", all[FIRST] ?? ""));
    expect(await verdictOf(without)).toEqual({ type: "changed", part: { type: "count" } });
    expect(await verdictOf(doubled)).toEqual({ type: "changed", part: { type: "count" } });
    expect(await verdictOf(swapped)).toMatchObject({ type: "changed", part: { type: "message" } });
    const shorter = joined((all) => {
      all.splice(last, 1);
      all[last - 1] = (all[last - 1] ?? "").replace(/,$/, "");
    });
    expect(await verdictOf(shorter)).toEqual({ type: "changed", part: { type: "count" } });
  });
});

test("a chain that was made anew around a changed message is not the one that was signed", async () => {
  const loose = content.messages.map((message, index) => (index === 2 ? { ...message, text: "How wide?" } : message));
  const forged = frozen(loose);
  const file = new TextDecoder().decode(await aFile(party, forged)).split("\n");
  file[file.length - 2] = lines().at(-2) ?? "";
  expect(await verdictOf(file.join("\n"))).toEqual({ type: "changed", part: { type: "manifest" } });
});

test("what is no snapshot file, and what is of a newer format, is said to be", async () => {
  for (const other of ["", "{}", "hello", '{"format":"other"}', "\n\n\n\n\n"])
    expect(await verdictOf(other)).toEqual({ type: "not-a-snapshot-file" });
  const newer = text.replace("snapshot-file.v1", "snapshot-file.v2");
  expect(await verdictOf(newer)).toEqual({ type: "newer-format", format: "holdfast.snapshot-file.v2" });
});

const signatureOf = (file: string): string => (JSON.parse(file) as { signature: string }).signature;
const withSignature = (jws: string): string => joined((all) => (all[all.length - 2] = `"signature":"${jws}"}`));
const base64 = (header: object): string => Buffer.from(JSON.stringify(header)).toString("base64url");
