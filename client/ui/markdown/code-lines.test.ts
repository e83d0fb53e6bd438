import fc from "fast-check";
import { expect, test } from "vitest";
import { NO_CODE, nextGroups } from "./code-lines.tsx";
import type { CodeGroups } from "./code-lines.tsx";

const listed = ({ done, last }: CodeGroups): string[] => [...done, last];

test("groups joined by line ends are the code, and none but the last ends with an empty line", () => {
  const code = fc.array(fc.constantFrom("\n", "x", "\n\n", "let a = 1;\n"), { maxLength: 300 });
  fc.assert(
    fc.property(code, (parts) => {
      const text = parts.join("");
      const groups = listed(nextGroups(NO_CODE, text));
      expect(groups.join("\n")).toBe(text);
      for (const group of groups.slice(0, -1)) expect(group).not.toMatch(/(^|\n)$/u);
    }),
  );
});

test("growing code has the groups it has as a whole", () => {
  const lines = fc.array(fc.constantFrom("\n", "\n\n", "a\n", "b\n".repeat(30), "c"), { maxLength: 40 });
  fc.assert(
    fc.property(lines, (parts) => {
      let groups = NO_CODE;
      let text = "";
      for (const part of parts) {
        groups = nextGroups(groups, (text += part));
        expect(listed(groups)).toEqual(listed(nextGroups(NO_CODE, text)));
      }
    }),
  );
});

test("only the last group changes while code grows", () => {
  const code = "line\n".repeat(175);
  const before = nextGroups(NO_CODE, code);
  const after = nextGroups(before, `${code}more`);
  expect(after.done.length).toBe(3);
  expect(after.done).toBe(before.done);
});

test("code that does not grow out of the one before is split anew", () => {
  const before = nextGroups(NO_CODE, "line\n".repeat(175));
  expect(listed(nextGroups(before, "other"))).toEqual(["other"]);
});
