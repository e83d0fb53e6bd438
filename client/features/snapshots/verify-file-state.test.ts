import { expect, test } from "vitest";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { MOST_TAGS } from "#shared/domain/snapshot.ts";
import { FILE_LINES } from "#shared/provenance/snapshot-file.ts";
import { verifySnapshotFile } from "#shared/provenance/verify-snapshot-file.ts";
import { META, aContent, aFile, aParty } from "#tests/support/signing-party.ts";
import { wordsOf } from "./verdict-words.ts";
import { MOST_FILE_BYTES, labelsOf, mayCheckByItself, readableOf, sameContent, startOf } from "./verify-file-state.ts";
import type { FileCheck } from "./verify-file-state.ts";

const TURNS = [
  { prompt: "What is red?", answer: "A rose." },
  { prompt: "And blue?", answer: "The sky." },
];
const entry = (id: string, contentId: string, deleted: boolean) =>
  ({ summary: { id, contentId, deleted } }) as SnapshotEntry;
const encoder = new TextEncoder();

/** What is said of bytes where the keys of a party are trusted; of nobody's where there is none. */
async function judged(bytes: Uint8Array, keys: Awaited<ReturnType<typeof aParty>>["key"][] | undefined) {
  const verdict = await verifySnapshotFile(bytes, keys && { keys });
  const checked = { verdict, keysKnown: keys === undefined || keys.length > 0 };
  return { type: "judged", name: "a.holdfast.json", bytes, checked } satisfies FileCheck;
}

const withByte = (bytes: Uint8Array, text: string, change: string): Uint8Array => {
  const whole = new TextDecoder().decode(bytes);
  expect(whole).toContain(text);
  return encoder.encode(whole.replace(text, change));
};

test("one file at a time is checked, and none that is too large", () => {
  const file = { name: "a.holdfast.json", size: MOST_FILE_BYTES };
  expect(startOf([])).toEqual({ type: "none" });
  expect(startOf([file])).toEqual({ type: "checking", name: file.name });
  expect(startOf([{ ...file, size: file.size + 1 }]).type).toBe("too-large");
  expect(wordsOf(startOf([{ ...file, size: 50_000_000 }]))?.lines).toEqual([
    "The file has 50 MB. Files of up to 33.6 MB are checked here.",
  ]);
  expect(startOf([file, file])).toEqual({ type: "several" });
});

test("only what is whole is shown, and what nobody else vouches for is marked so", async () => {
  const party = await aParty();
  const bytes = await aFile(party, await aContent(party, TURNS));
  const ours = await judged(bytes, [party.key]);
  expect(readableOf(ours)).toMatchObject({ byItself: false, file: { meta: META } });
  expect(wordsOf(ours)).toMatchObject({ title: "Intact", kid: party.key.kid, weight: "good" });
  const foreign = await judged(bytes, [(await aParty()).key]);
  expect(readableOf(foreign)).toBeUndefined();
  expect(mayCheckByItself(foreign)).toBe(true);
  expect(wordsOf(foreign)).toMatchObject({ title: "Signed by another server", kid: party.key.kid, weight: "plain" });
  expect(wordsOf(foreign)?.lines).toEqual([
    "The file is whole, and signed by a key that this server does not know. It says it is from https://chat.example.org.",
  ]);
  const byItself = await judged(bytes, undefined);
  expect(readableOf(byItself)).toMatchObject({ byItself: true });
  expect(wordsOf(byItself)).toMatchObject({ title: "Whole, but nobody vouches for it", weight: "plain" });
});

test("without the keys of this server it is not said that another one signed", async () => {
  const party = await aParty();
  const unknown = await judged(await aFile(party, await aContent(party, TURNS)), []);
  expect(wordsOf(unknown)?.title).toBe("Whole, but not compared with this server's keys");
  expect(mayCheckByItself(unknown)).toBe(true);
});

test("of a file that was changed, what was is named, and nothing is shown", async () => {
  const party = await aParty();
  const bytes = await aFile(party, await aContent(party, TURNS));
  const said = async (of: Uint8Array): Promise<string | undefined> => {
    const check = await judged(of, [party.key]);
    expect(readableOf(check)).toBeUndefined();
    expect(mayCheckByItself(check)).toBe(false);
    return wordsOf(check)?.lines[0];
  };
  expect(await said(withByte(bytes, "A rose.", "A r0se."))).toMatch(/message 2 \(an answer, .*\) is not the one/u);
  expect(await said(withByte(bytes, '"title":"', '"title":"x'))).toMatch(/its title, note, tags/u);
  expect(await said(withByte(bytes, FILE_LINES.format, "{}"))).toMatch(/its layout is damaged/u);
  expect(await said(encoder.encode("not JSON"))).toMatch(/not a snapshot file/u);
  expect(await said(new Uint8Array())).toMatch(/not a snapshot file/u);
  expect(await said(withByte(bytes, "snapshot-file.v1", "snapshot-file.v2"))).toMatch(/newer version of Holdfast/u);
});

test("what is imported is labelled as the file says, within what a snapshot may have", () => {
  const tags = Array.from({ length: 50 }, (_, index) => `${index}`.repeat(99));
  const labels = labelsOf({ ...META, title: "t".repeat(500), note: "n".repeat(20_000), tags: ["", ...tags] });
  expect(labels.title).toHaveLength(200);
  expect(labels.note).toHaveLength(10_000);
  expect(labels.tags).toHaveLength(MOST_TAGS);
  expect(labels.tags[0]).toBe("0".repeat(50));
  expect(labelsOf(META)).toEqual({ title: META.title, note: META.note, tags: META.tags });
});

test("a snapshot with the same content is found, rather one that is not in the trash", () => {
  const entries = [entry("gone", "a", true), entry("here", "a", false), entry("trash", "b", true)];
  expect(sameContent(entries, "a")?.summary.id).toBe("here");
  expect(sameContent(entries, "b")?.summary.id).toBe("trash");
  expect(sameContent(entries, "c")).toBeUndefined();
});
