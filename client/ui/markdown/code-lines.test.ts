import fc from "fast-check";
import { expect, test } from "vitest";
import { lineGroups } from "./code-lines.tsx";

test("groups joined by line ends are the code, and none but the last ends with an empty line", () => {
  const code = fc.array(fc.constantFrom("\n", "x", "\n\n", "let a = 1;\n"), { maxLength: 300 });
  fc.assert(
    fc.property(code, (parts) => {
      const text = parts.join("");
      const groups = lineGroups(text);
      expect(groups.join("\n")).toBe(text);
      for (const group of groups.slice(0, -1)) expect(group).not.toMatch(/(^|\n)$/u);
    }),
  );
});

test("only the last group changes while code grows", () => {
  const code = "line\n".repeat(175);
  const before = lineGroups(code);
  const after = lineGroups(`${code}more`);
  expect(after.length).toBe(4);
  expect(after.slice(0, -1)).toEqual(before.slice(0, -1));
});
