import { afterEach, beforeEach, expect, test } from "vitest";
import { answer } from "#tests/support/provider-behaviour.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { ScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { RelayPrincipal } from "#server/access/principal.ts";
import type { AccountId, ConversationId, WorkspaceId } from "#shared/domain/ids.ts";
import type { StartRun } from "#shared/protocol/run-bodies.ts";
import { newId, openHarness } from "./run-harness.ts";
import type { Harness } from "./run-harness.ts";

let provider: ScriptedProvider;
let relay: Harness;
beforeEach(async () => {
  provider = await openScriptedProvider();
  relay = await openHarness({ baseUrl: provider.baseUrl });
});
afterEach(async () => {
  await relay.close();
  await provider.close();
});

const ada: RelayPrincipal = {
  kind: "relay",
  accountId: "ada" as AccountId,
  workspaceId: "workspace-ada" as WorkspaceId,
};
/** As another device does, whose change arrives by sync. */
const setDeleted = ({ conversationId }: StartRun, deleted: boolean): Promise<void> =>
  relay.rooms.edit(ada, conversationId as ConversationId, (conversation) => conversation.setDeleted(deleted));

test("no run starts in a deleted conversation; once it is restored, the same start does", async () => {
  const body = await relay.prompt();
  await setDeleted(body, true);
  const id = newId();
  const refused = await relay.put(id, body);
  expect(refused.status).toBe(409);
  expect(await refused.json()).toMatchObject({ code: "conversation_deleted" });
  expect(await relay.message(body)).toBeUndefined();
  await setDeleted(body, false);
  await relay.finished(await relay.start(body, id));
  expect(provider.requests).toHaveLength(1);
});

test("a conversation that is deleted ends the run that writes in it, and keeps its text", async () => {
  provider.script(answer(["one", " two", " three"], { pace: "gated" }));
  const body = await relay.prompt();
  const id = await relay.start(body);
  await provider.release(2);
  await expect.poll(() => relay.message(body)).toMatchObject({ text: "one two" });
  await setDeleted(body, true);
  expect(await provider.requests[0]!.closed).toBe("aborted");
  expect(await relay.finished(id)).toMatchObject({ state: "stopped" });
  expect(await relay.message(body)).toMatchObject({ text: "one two", run: { status: "stopped" } });
});

test("deleting does not touch a run that is over", async () => {
  const body = await relay.prompt();
  const id = await relay.start(body);
  await relay.finished(id);
  await setDeleted(body, true);
  expect(await relay.snapshot(id)).toMatchObject({ state: "completed" });
  expect((await relay.put(id, body)).status).toBe(200);
});
