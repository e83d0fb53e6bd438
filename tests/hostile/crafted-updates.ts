import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import { newId } from "#tests/support/attacked-server.ts";

export const updateOf = (edit: (doc: Y.Doc) => void, clientId?: number): Uint8Array => {
  const doc = new Y.Doc();
  if (clientId !== undefined) doc.clientID = clientId;
  edit(doc);
  return Y.encodeStateAsUpdate(doc);
};
export const aConversation = (): Uint8Array =>
  updateOf((doc) => {
    const conversation = openConversation(doc, "device");
    conversation.addPrompt({ id: newId() as never, parentId: undefined, text: "What are tides?", createdAt: 1 });
    conversation.setDraft("and why?");
    conversation.setDraft("");
  });
export const written = (write: (encoder: encoding.Encoder) => void): Uint8Array => encoding.encode(write);
export const numbers = (...values: number[]): Uint8Array =>
  written((encoder) => values.forEach((value) => encoding.writeVarUint(encoder, value)));
/** One struct of garbage (0) or absence (10) of this length. */
export const structOf = (client: number, clock: number, kind: 0 | 10, length: number): Uint8Array =>
  written((encoder) => {
    for (const value of [1, 1, client, clock]) encoding.writeVarUint(encoder, value);
    encoding.writeUint8(encoder, kind);
    encoding.writeVarUint(encoder, length);
    encoding.writeVarUint(encoder, 0);
  });
export const nestedMaps = (depth: number) => (doc: Y.Doc) => {
  let map: Y.Map<unknown> = doc.getMap("meta");
  doc.transact(() => {
    for (let i = 0; i < depth; i++) {
      const inner = new Y.Map<unknown>();
      map.set("in", inner);
      map = inner;
    }
  });
};
/** A plain value so many arrays deep, written as Yjs would. */
export const deepValue = (depth: number): Uint8Array => {
  const update = updateOf((doc) => doc.getMap("meta").set("a", "MARK"), 77);
  const at = Buffer.from(update).indexOf(Buffer.from([119, 4, 77, 65, 82, 75]));
  const deep = Buffer.concat([Buffer.alloc(depth * 2, Buffer.from([117, 1])), Buffer.from([126])]);
  return new Uint8Array(Buffer.concat([update.subarray(0, at), deep, update.subarray(at + 6)]));
};
export const manyClients = (count: number): Uint8Array =>
  written((encoder) => {
    const one = updateOf((doc) => doc.getMap("meta").set("k", 1), 5);
    const struct = one.subarray(4, one.length - 1);
    encoding.writeVarUint(encoder, count);
    for (let i = 0; i < count; i++) {
      for (const value of [1, 1000 + i, 0]) encoding.writeVarUint(encoder, value);
      encoding.writeUint8Array(encoder, struct);
    }
    encoding.writeVarUint(encoder, 0);
  });

export function protoInValue(): Uint8Array {
  const update = updateOf((doc) => doc.getMap("meta").set("a", { protoXYZ_: { isAdmin: true } }));
  return new Uint8Array(
    Buffer.from(Buffer.from(update).toString("latin1").replace("protoXYZ_", "__proto__"), "latin1"),
  );
}
