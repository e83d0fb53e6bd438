import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createPacker, createUnpacker } from "./packed-commit.ts";

const value = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.constant(null),
  fc.uint8Array({ maxLength: 8 }),
);
const statement = fc.record(
  { sql: fc.constantFrom("a", "bb", "ccc"), parameters: fc.array(value), changes: fc.nat() },
  { requiredKeys: ["sql", "parameters"] },
);

test("what is packed is unpacked as it was, commit after commit", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.array(statement))), (commits) => {
      const [pack, unpack] = [createPacker(), createUnpacker()];
      for (const items of commits) expect(unpack(structuredClone(pack(items)))).toEqual(items);
    }),
  );
});

test("SQL is sent once", () => {
  const pack = createPacker();
  const items = [[{ sql: "a", parameters: [] }], [{ sql: "a", parameters: [1] }]];
  expect(pack(items).texts).toEqual(["a"]);
  expect(pack(items).texts).toEqual([]);
});

test("SQL that is always another is forgotten, and right all the same", () => {
  const [pack, unpack] = [createPacker(), createUnpacker()];
  let begunAnew = 0;
  for (let i = 0; i < 3_000; i++) {
    const items = [[{ sql: `select ${i}`, parameters: [i] }], [{ sql: "always", parameters: [] }]];
    const packed = pack(items);
    if (i > 0 && packed.from === 0) begunAnew += 1;
    expect(unpack(packed)).toEqual(items);
  }
  expect(begunAnew).toBe(2);
});
