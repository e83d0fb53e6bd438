import { expect, test } from "vitest";
import type { NewCredential } from "#shared/protocol/passkey-bodies.ts";
import { createAuthenticator } from "#tests/support/authenticator.ts";
import { withoutAttestation } from "./attestation.ts";

const made = createAuthenticator("https://chat.example.org").create({
  challenge: "YQ",
  rp: { id: "chat.example.org", name: "Holdfast" },
  user: { id: "YQ", name: "Ada", displayName: "Ada" },
  pubKeyCredParams: [],
  authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "preferred" },
});
const withResponse = (over: Partial<NewCredential["response"]>): NewCredential => ({
  ...made,
  response: { ...made.response, ...over },
});
const bytesOf = (credential: NewCredential | undefined): Buffer =>
  Buffer.from(credential?.response.attestationObject ?? "", "base64url");

test("a statement is replaced by none, whatever is in it: nobody reads the certificates of strangers", () => {
  const statement = Buffer.from("a363666d74656170706c65", "hex").toString("base64url");
  const bare = bytesOf(withoutAttestation(withResponse({ attestationObject: statement })));
  expect(bare.subarray(0, 16).toString("latin1")).toContain("fmtdnone");
  const data = Buffer.from(made.response.authenticatorData ?? "", "base64url");
  expect(bare.subarray(-data.length)).toEqual(data);
  expect(bare.subarray(-data.length - 2, -data.length).readUInt16BE()).toBe(data.length);
});

test("an old browser, which does not say what is in it besides, is believed where there is no statement", () => {
  const { authenticatorData: _, ...response } = made.response;
  expect(bytesOf(withoutAttestation({ ...made, response }))).toEqual(bytesOf(made));
  const packed = Buffer.from(bytesOf(made).toString("latin1").replace("none", "pack"), "latin1").toString("base64url");
  expect(withoutAttestation({ ...made, response: { ...response, attestationObject: packed } })).toBeUndefined();
});

test("only transports that browsers know are kept", () => {
  const kept = withoutAttestation(withResponse({ transports: ["usb", "pigeon", "nfc,usb"] }));
  expect(kept?.response.transports).toEqual(["usb"]);
});
