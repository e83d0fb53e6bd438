import { Hono } from "hono";
import { beforeAll, expect, test } from "vitest";
import type { AppEnv } from "#server/http/app-env.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { SnapshotSummary } from "#shared/domain/snapshot.ts";
import { canonicalJson } from "#shared/lib/canonical-json.ts";
import { err, ok } from "#shared/lib/result.ts";
import { verifySnapshotFile } from "#shared/provenance/verify-snapshot-file.ts";
import { principalOf } from "#tests/support/principals.ts";
import { META, aContent, aParty } from "#tests/support/signing-party.ts";
import type { SigningParty } from "#tests/support/signing-party.ts";
import { snapshotFileRoutes } from "./snapshot-file.ts";

let party: SigningParty;
let content: FrozenContent;
beforeAll(async () => {
  party = await aParty();
  content = await aContent(party, [{ prompt: "What is red?", answer: "A rose." }]);
});

async function download(title: string, id = META.id): Promise<Response> {
  const summary = { ...META, title, note: "n" } as unknown as SnapshotSummary;
  const texts = {
    summary: JSON.stringify(summary),
    headSeq: 1,
    manifest: canonicalJson(content.manifest),
    messages: content.messages.map(canonicalJson),
  };
  const issuer = META.server;
  const routes = snapshotFileRoutes({
    snapshots: {
      read: async ({ accountId }, wanted) =>
        accountId === principalOf("ada").accountId && wanted === META.id ? ok(texts) : err("not_found"),
    },
    signing: {
      issuer,
      signer: async () => ({ keys: [party.key], sign: (typ, claims) => party.sign(typ, claims) }),
    },
  });
  const app = new Hono<AppEnv>().use(async (c, next) => {
    c.set("principal", principalOf("ada"));
    await next();
  });
  return app.route("/api/snapshots", routes).request(`/api/snapshots/${id}/file`);
}

test("the file that is downloaded is signed, and says what the snapshot does", async () => {
  const response = await download("Pläne");
  expect(response.headers.get("cache-control")).toBe("no-store");
  const verdict = await verifySnapshotFile(new Uint8Array(await response.arrayBuffer()), { keys: [party.key] });
  expect(verdict).toMatchObject({
    type: "intact",
    trust: "trusted",
    file: { meta: { ...META, title: "Pläne", note: "n" }, content },
  });
});

test.each([
  ["Pläne 🗼", `filename="Plane  3.holdfast.json"; filename*=UTF-8''Pl%C3%A4ne%20%F0%9F%97%BC%203.holdfast.json`],
  ['a"b\r\nSet-Cookie: x/../y', `filename="a b Set-Cookie x .. y 3.holdfast.json"`],
  ["\u202egpj.exe", `filename="gpj.exe 3.holdfast.json"`],
  ["", `filename="Snapshot 3.holdfast.json"`],
])("the title %o names the file, and can do no more", async (title, named) => {
  const header = (await download(title)).headers.get("content-disposition");
  expect(header).toContain(`attachment; ${named}`);
});

test("what is not there, and what is no id, is not found", async () => {
  expect((await download("x", "01980000-0000-7000-8000-000000000001")).status).toBe(404);
  expect((await download("x", "..")).status).toBe(404);
});
