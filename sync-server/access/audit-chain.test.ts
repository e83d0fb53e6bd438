import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHAIN_START, chainRows, headAt, nextEnd, verifyChain } from "./audit-chain.ts";
import type { AuditRow, ChainVerdict } from "./audit-chain.ts";

const KEY = "a key that is not in the database";

const text = fc.string({ unit: "binary", maxLength: 20 });
const content = fc.record({
  at: fc.nat(),
  workspace_id: fc.option(text),
  account_id: fc.option(text),
  entry: text,
});
/** A chain, and a place in it. */
const chainAndPlace = fc
  .array(content, { minLength: 1, maxLength: 12 })
  .chain((contents) =>
    fc.tuple(fc.constant(chainRows(KEY, CHAIN_START, contents)), fc.nat({ max: contents.length - 1 })),
  );

const endOf = (rows: readonly AuditRow[]) => rows.at(-1) ?? CHAIN_START;
/** What is said about the rows where the head is still that of the chain they come from. */
const verify = (rows: readonly AuditRow[], chain: readonly AuditRow[]): ChainVerdict =>
  verifyChain(
    KEY,
    rows.toSorted((a, b) => a.seq - b.seq),
    headAt(KEY, endOf(chain)),
  );
/** Checks a rule for every chain, each place in it, and something else. */
const always = <T>(other: fc.Arbitrary<T>, rule: (chain: AuditRow[], place: number, other: T) => void): void =>
  fc.assert(
    fc.property(chainAndPlace, other, ([chain, place], value) => {
      rule(chain, place, value);
    }),
  );

/** What a writer that goes on makes of the log, and whether it noticed. */
function goOn(rows: readonly AuditRow[], head: Parameters<typeof verifyChain>[2], known = CHAIN_START) {
  const { end, intact } = nextEnd(KEY, { known, head, last: endOf(rows) });
  const more = chainRows(KEY, end, [{ at: 1, workspace_id: null, account_id: null, entry: "{}" }]);
  return { intact, verdict: verifyChain(KEY, [...rows, ...more], headAt(KEY, endOf(more))) };
}

describe("verifying", () => {
  test("a chain is whole as it was written, also in several steps, and an empty log without a head", () => {
    expect(verifyChain(KEY, [], undefined)).toEqual({ status: "whole", rows: 0, head: CHAIN_START.hash });
    fc.assert(
      fc.property(fc.array(content), fc.array(content), (first, second) => {
        const begun = chainRows(KEY, CHAIN_START, first);
        const chain = [...begun, ...chainRows(KEY, endOf(begun), second)];
        expect(chain).toEqual(chainRows(KEY, CHAIN_START, [...first, ...second]));
        expect(verify(chain, chain)).toEqual({ status: "whole", rows: chain.length, head: endOf(chain).hash });
      }),
    );
  });

  test("a change of any column of any row is found at that row", () => {
    const change = fc.oneof(
      fc.record({ at: fc.oneof(fc.integer(), fc.double()) }),
      fc.record({ workspace_id: fc.option(text) }),
      fc.record({ account_id: fc.option(text) }),
      fc.record({ entry: text }),
      fc.record({ hash: fc.oneof(text, fc.constant(CHAIN_START.hash)) }),
    );
    always(change, (chain, place, changed) => {
      const row = chain[place]!;
      const forged = { ...row, ...changed };
      fc.pre(Object.entries(changed).some(([column, value]) => row[column as keyof AuditRow] !== value));
      expect(verify(chain.with(place, forged), chain)).toEqual({ status: "row-changed", seq: row.seq });
    });
  });

  test("what moves from one column to the other is found", () => {
    always(text, (chain, place, id) => {
      const contents = chain.map(({ seq: _seq, hash: _hash, ...rest }) => rest);
      const written = chainRows(
        KEY,
        CHAIN_START,
        contents.with(place, { ...contents[place]!, account_id: id, workspace_id: null }),
      );
      const moved = { ...written[place]!, account_id: null, workspace_id: id };
      expect(verify(written.with(place, moved), written)).toEqual({ status: "row-changed", seq: place + 1 });
    });
  });

  test("a row that is gone is named, in the middle and at the end", () => {
    always(fc.constant(0), (chain, place) =>
      expect(verify(chain.toSpliced(place, 1), chain)).toEqual({
        status: "rows-missing",
        seq: place + 1,
        through: place + 1,
      }),
    );
  });

  test("rows cut off at the end are missed, all of them too", () => {
    always(fc.constant(0), (chain, place) =>
      expect(verify(chain.slice(0, place), chain)).toEqual({
        status: "rows-missing",
        seq: place + 1,
        through: chain.length,
      }),
    );
  });

  test("rows cut off at the front are missed, also where the others are counted anew", () => {
    always(fc.constant(0), (chain, place) => {
      const kept = chain.slice(place + 1);
      expect(verify(kept, chain)).toEqual({ status: "rows-missing", seq: 1, through: place + 1 });
      fc.pre(kept.length > 0);
      const renumbered = kept.map((row, index) => ({ ...row, seq: index + 1 }));
      expect(verify(renumbered, chain)).toEqual({ status: "row-changed", seq: 1 });
    });
  });

  test("two rows that changed places are found at the first of them, with their hashes and without", () => {
    always(fc.nat(), (chain, place, other) => {
      const [i, j] = [place, other % chain.length].toSorted((a, b) => a - b) as [number, number];
      fc.pre(i !== j);
      const [a, b] = [chain[i]!, chain[j]!];
      const swapped = chain.with(i, { ...b, seq: a.seq }).with(j, { ...a, seq: b.seq });
      expect(verify(swapped, chain)).toEqual({ status: "row-changed", seq: i + 1 });
      fc.pre(
        JSON.stringify([a.at, a.workspace_id, a.account_id, a.entry]) !==
          JSON.stringify([b.at, b.workspace_id, b.account_id, b.entry]),
      );
      const contents = chain.with(i, { ...b, seq: a.seq, hash: a.hash }).with(j, { ...a, seq: b.seq, hash: b.hash });
      expect(verify(contents, chain)).toEqual({ status: "row-changed", seq: i + 1 });
    });
  });

  test("a row that was put in is found: among the others with their numbers moved on, before and behind them", () => {
    always(content, (chain, place, added) => {
      for (const hash of [chain[place]!.hash, endOf(chain).hash, CHAIN_START.hash]) {
        const after = chain.slice(place).map((row) => ({ ...row, seq: row.seq + 1 }));
        const among = [...chain.slice(0, place), { ...added, seq: place + 1, hash }, ...after];
        fc.pre(JSON.stringify(among[place]) !== JSON.stringify(chain[place]));
        expect(verify(among, chain)).toEqual({ status: "row-changed", seq: place + 1 });
        for (const seq of [-5, 0, chain.length + 1])
          expect(verify([...chain, { ...added, seq, hash }], chain)).toEqual({ status: "row-changed", seq });
      }
    });
  });

  test("rows and a head by somebody who has another key are refused", () => {
    always(fc.constant("another key"), (chain, _place, key) => {
      const rows = chainRows(key, CHAIN_START, chain);
      expect(verifyChain(KEY, rows, headAt(key, endOf(rows)))).toEqual({ status: "row-changed", seq: 1 });
      expect(verifyChain(KEY, [], headAt(key, CHAIN_START))).toEqual({ status: "head-changed", rows: 0 });
    });
  });

  test("a head that is gone, changed or put back is found, and hides no row that was cut off", () => {
    always(fc.constant(0), (chain, place) => {
      const head = headAt(KEY, endOf(chain));
      const rows = place + 1;
      const kept = chain.slice(0, rows);
      expect(verifyChain(KEY, kept, undefined)).toEqual({ status: "head-missing", rows });
      for (const changed of [{ seq: rows + 20 }, { hash: CHAIN_START.hash }, { mac: CHAIN_START.hash }, { mac: "" }])
        expect(verifyChain(KEY, kept, { ...head, ...changed })).toEqual({ status: "head-changed", rows });
      // A row's own hash is no signature of a head.
      expect(verifyChain(KEY, kept, { seq: rows, hash: kept[place]!.hash, mac: kept[place]!.hash })).toEqual({
        status: "head-changed",
        rows,
      });
      const earlier = headAt(KEY, endOf(chain.slice(0, place)));
      expect(verifyChain(KEY, chain, earlier)).toEqual({ status: "head-behind", seq: place + 1 });
    });
  });
});

describe("going on", () => {
  test("a log that is as it was left goes on whole, whoever wrote it meanwhile", () => {
    always(fc.constant(0), (chain, place) => {
      for (const known of [CHAIN_START, chain[place]!, endOf(chain)]) {
        const { intact, verdict } = goOn(chain, headAt(KEY, endOf(chain)), known);
        expect(intact).toBe(true);
        expect(verdict).toMatchObject({ status: "whole", rows: chain.length + 1 });
      }
    });
    expect(goOn([], undefined).verdict).toMatchObject({ status: "whole", rows: 1 });
  });

  test("what was cut off stays visible, with the head as it was, put back, changed or gone", () => {
    always(fc.constant(0), (chain, place) => {
      const kept = chain.slice(0, place);
      const whole = headAt(KEY, endOf(chain));
      // A process that wrote the rest knows it; the head tells one that was started since.
      const known = [headAt(KEY, endOf(kept)), undefined].map((head) => goOn(kept, head, endOf(chain)));
      const told = [whole, { ...whole, mac: "" }].map((head) => goOn(kept, head));
      for (const { intact, verdict } of [...known, ...told, ...(place > 0 ? [goOn(kept, undefined)] : [])]) {
        expect(intact).toBe(false);
        expect(verdict).toMatchObject({ status: "rows-missing", seq: place + 1 });
      }
    });
  });

  test("a row that somebody put at the end does not keep the server from going on behind it", () => {
    always(content, (chain, _place, added) => {
      const forged = { ...added, seq: chain.length + 1, hash: CHAIN_START.hash };
      const { intact, verdict } = goOn([...chain, forged], headAt(KEY, endOf(chain)));
      expect(intact).toBe(false);
      expect(verdict).toEqual({ status: "row-changed", seq: forged.seq });
    });
  });
});
