import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ROOTS: Record<string, string> = { "#client": "client", "#server": "sync-server", "#shared": "shared" };

/** One import per line of style: the file that must not import, what it imports, and whether lint must refuse it. */
const PLANTED: readonly (readonly [file: string, imports: string, refused: boolean])[] = [
  ["shared/domain/planted.ts", "#shared/documents/conversation.ts", true],
  ["shared/domain/planted.ts", "yjs", true],
  ["shared/domain/planted.ts", "#shared/lib/result.ts", false],
  ["shared/lib/planted.ts", "#shared/domain/ids.ts", true],
  ["shared/documents/planted.ts", "#shared/protocol/problem.ts", true],
  ["shared/protocol/planted.ts", "#server/rooms/rooms.ts", true],
  ["shared/protocol/planted.ts", "node:fs", true],
  ["shared/protocol/planted.ts", "#shared/provenance/receipt.ts", true],
  ["shared/provenance/planted.ts", "#shared/documents/conversation.ts", true],
  ["shared/provenance/planted.ts", "#shared/protocol/snapshot-bodies.ts", false],
  ["shared/provenance/planted.ts", "jose", false],
  ["client/features/library/planted.ts", "#client/features/composer/composer.tsx", true],
  ["client/features/library/planted.ts", "#client/app/app.tsx", true],
  ["client/features/library/planted.ts", "#client/runs/runs.ts", false],
  ["client/local-store/planted.ts", "#client/sync/open-sync.ts", true],
  ["client/sync/planted.ts", "#client/session/workspace.ts", true],
  ["client/runs/planted.ts", "#client/features/library/library-state.ts", true],
  ["client/platform/planted.ts", "#client/local-store/local-store.ts", true],
  ["client/ui/planted.ts", "#shared/domain/ids.ts", true],
  ["client/session/planted.ts", "#client/ui/button.tsx", true],
  ["client/service-worker/planted.ts", "#client/ui/words/words.ts", true],
  ["client/service-worker/planted.ts", "#client/session/session.ts", true],
  ["client/service-worker/planted.ts", "#client/local-store/local-store.ts", false],
  ["client/app/planted.ts", "#server/access/principal.ts", true],
  ["sync-server/storage/planted.ts", "#server/rooms/rooms.ts", true],
  ["sync-server/access/planted.ts", "#server/http/problem.ts", true],
  ["sync-server/accounts/planted.ts", "#server/http/problem.ts", true],
  ["sync-server/accounts/planted.ts", "#server/access/tenant.ts", false],
  ["sync-server/mail/planted.ts", "#server/runs/run-service.ts", true],
  ["sync-server/signing/planted.ts", "#server/runs/run-service.ts", true],
  ["sync-server/rooms/planted.ts", "#server/runs/run-service.ts", true],
  ["sync-server/snapshots/planted.ts", "#server/runs/run-service.ts", true],
  ["sync-server/snapshots/planted-too.ts", "#server/rooms/rooms.ts", false],
  ["sync-server/rooms/planted-too.ts", "#server/snapshots/snapshot-service.ts", true],
  ["sync-server/runs/planted.ts", "#server/http/problem.ts", true],
  ["sync-server/runs/planted.ts", "#server/rooms/rooms.ts", false],
  ["sync-server/jobs/planted.ts", "#server/http/problem.ts", true],
  ["sync-server/jobs/planted.ts", "#server/runs/run-store.ts", false],
  ["sync-server/runs/planted-too.ts", "#server/jobs/erasure.ts", true],
  ["sync-server/lib/planted.ts", "#server/rooms/rooms.ts", true],
  ["sync-server/snapshots/planted.ts", "#server/lib/in-slices.ts", false],
  ["sync-server/config/planted.ts", "#server/storage/database.ts", true],
  ["sync-server/http/planted.ts", "#client/app/app.tsx", true],
];

/** Files that use time and chance where both have to be arguments. */
const IMPURE = ["shared/lib/planted-impure.ts", "client/runs/planted-state.ts"];

/** The rules that lint names for each planted file. One run for all: a start of the linter takes longer than its work. */
const named = new Map<string, string[]>();
const plantedName = (index: number): string => PLANTED[index]![0].replace("planted", `planted-${index}`);

beforeAll(() => {
  const place = mkdtempSync(join(tmpdir(), "holdfast-lint-"));
  const plant = (file: string, text: string): void => {
    mkdirSync(join(place, dirname(file)), { recursive: true });
    writeFileSync(join(place, file), text);
    named.set(file, []);
  };
  try {
    copyFileSync(join(ROOT, ".oxlintrc.json"), join(place, ".oxlintrc.json"));
    for (const [index, [, imports]] of PLANTED.entries())
      plant(plantedName(index), `import * as planted from "${imports}";\nexport const it = planted;\n`);
    for (const file of IMPURE) plant(file, "export const it = () => Date.now() + Math.random() + setTimeout(it, 1);\n");
    const oxlint = join(ROOT, "node_modules/.bin/oxlint");
    const { stdout } = spawnSync(oxlint, ["--format=json", ...named.keys()], { cwd: place, encoding: "utf8" });
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { filename: string; code: string }[] };
    for (const { filename, code } of diagnostics) named.get(filename)?.push(code);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
});

test.each(PLANTED.map(([file, imports, refused], index) => ({ file, imports, refused, index })))(
  "lint: $file imports $imports (refused: $refused)",
  ({ refused, index }) => {
    expect(named.get(plantedName(index))?.includes("eslint(no-restricted-imports)")).toBe(refused);
  },
);

test("lint: time and chance are arguments in shared/ and in every pure state", () => {
  for (const file of IMPURE)
    expect(named.get(file)).toEqual(
      expect.arrayContaining(["eslint(no-restricted-properties)", "eslint(no-restricted-globals)"]),
    );
});

function sourceFiles(): string[] {
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "client", "sync-server", "shared"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return listed.split("\n").filter((file) => /\.(tsx?|css)$/.test(file) && !/\.test\.tsx?$/.test(file));
}

/** The folders a file's imports lead to, by the text of its imports. */
function importedFiles(file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].flatMap(([, name = ""]) => {
    const [alias = "", ...rest] = name.split("/");
    if (ROOTS[alias]) return [[ROOTS[alias], ...rest].join("/")];
    return name.startsWith(".") ? [relative(ROOT, resolve(ROOT, dirname(file), name))] : [];
  });
}

test("no two folders need each other", () => {
  const needs = new Map<string, Set<string>>();
  for (const file of sourceFiles()) {
    const from = dirname(file);
    for (const to of importedFiles(file).map((imported) => dirname(imported))) {
      // What lies directly in client/ or sync-server/ is the composition root: it may know everybody.
      if (to === from || !from.includes("/")) continue;
      needs.set(from, (needs.get(from) ?? new Set()).add(to));
    }
  }
  const cycles: string[] = [];
  const visit = (folder: string, path: readonly string[]): void => {
    if (path.includes(folder)) return void cycles.push([...path.slice(path.indexOf(folder)), folder].join(" → "));
    for (const next of needs.get(folder) ?? []) visit(next, [...path, folder]);
  };
  for (const folder of needs.keys()) visit(folder, []);
  expect([...new Set(cycles)]).toEqual([]);
});

test("no source file is longer than 400 lines", () => {
  const long = sourceFiles().flatMap((file) => {
    const lines = readFileSync(join(ROOT, file), "utf8").trimEnd().split("\n").length;
    return lines > 400 ? [`${file}: ${lines}`] : [];
  });
  expect(long).toEqual([]);
});
