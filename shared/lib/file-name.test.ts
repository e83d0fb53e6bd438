import fc from "fast-check";
import { expect, test } from "vitest";
import { fileNameOf } from "./file-name.ts";

test.each([
  ["Tides and moons", "Tides and moons"],
  ["  ../../etc/passwd", "etc passwd"],
  [".htaccess", "htaccess"],
  ['a"b\r\nSet-Cookie: x', "a b Set-Cookie x"],
  ["\u202egpj.exe", "gpj.exe"],
  ["Pläne 🗼", "Pläne 🗼"],
  ["\ud800", "\ufffd"],
  ["", "Snapshot"],
  [" / ", "Snapshot"],
])("the title %o names a file %o", (title, name) => {
  expect(fileNameOf(title, "Snapshot")).toBe(name);
});

test("whatever a title is, the name is no path, is well formed, and has room for an ending in 255 bytes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 90 }), (title) => {
      const name = fileNameOf(title, "Snapshot");
      const isPlain = !/[/\\\p{Cc}\u202e]|^\.|^\s|^$/u.test(name);
      const bytes = new TextEncoder().encode(name).length;
      expect({ isPlain, isWellFormed: name.isWellFormed(), bytes: Math.min(bytes, 225) }).toEqual({
        isPlain: true,
        isWellFormed: true,
        bytes: Math.min(bytes, 224),
      });
    }),
  );
});
