import { expect, test } from "vitest";
import { createLog } from "./log.ts";

function written(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(createLog("info", { write: (line) => void lines.push(line) }));
  return lines.join("");
}

test("a value cannot forge a second entry or reach the terminal", () => {
  const text = written((log) => log.info({ path: '/x\r\n{"level":"fatal"}\u001b[31m' }, "asked\nfor"));
  expect(text.trimEnd().split("\n")).toHaveLength(1);
  expect(text).not.toContain("\u001b");
  expect(JSON.parse(text)).toMatchObject({ level: "info", msg: "asked\nfor" });
});

test("credentials are removed", () => {
  const text = written((log) => {
    log.info({ cookie: "canary", headers: { cookie: "canary", authorization: "canary", "set-cookie": "canary" } });
    log.info({ request: { headers: { authorization: "canary" } }, provider: { apiKey: "canary" } });
  });
  expect(text).not.toContain("canary");
});

test("an error tells its kind, code and cause, and none of the fields it carries", () => {
  const error = Object.assign(new Error("Commit failed", { cause: new Error("SQLITE_FULL") }), {
    code: "E1",
    request: { body: "canary" },
  });
  const text = written((log) => log.error({ err: error }, "lost"));
  expect(JSON.parse(text)).toMatchObject({
    err: { type: "Error", message: "Commit failed", code: "E1", cause: { message: "SQLITE_FULL" } },
  });
  expect(text).not.toContain("canary");
});
