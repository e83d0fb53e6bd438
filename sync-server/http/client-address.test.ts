import { SocketAddress } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { addressKey, auditAddress, clientAddress } from "./client-address.ts";

const arrival = (remoteAddress: string | undefined, forwardedFor?: string) => ({
  headers: forwardedFor === undefined ? {} : { "x-forwarded-for": forwardedFor },
  socket: { remoteAddress },
});

test.each([
  "203.0.113.7",
  " 203.0.113.7 ",
  "203.0.113.7:4711",
  "::ffff:203.0.113.7",
  "::FFFF:203.0.113.7",
  "::ffff:cb00:7107",
  "0:0:0:0:0:ffff:cb00:7107",
  "0000:0000:0000:0000:0000:FFFF:CB00:7107",
  "[::ffff:203.0.113.7]:4711",
  "64:ff9b::203.0.113.7",
  "64:ff9b::cb00:7107",
])("%s is one IPv4 address", (text) => {
  expect(addressKey(text)).toBe("203.0.113.7");
});

test.each([
  "2001:db8:0:42::1",
  "2001:DB8::42:0:0:0:1",
  "2001:0db8:0000:0042:0000:0000:0000:0001",
  "2001:db8:0:42:ffff:ffff:ffff:ffff",
  "2001:db8:0:42::203.0.113.7",
  "2001:db8:0:42::",
  "[2001:db8:0:42::1]",
  "[2001:db8:0:42::1]:443",
  "2001:db8:0:42::1%eth0",
  "[2001:db8:0:42::1%25eth0]:443",
])("%s is in one /64", (text) => {
  expect(addressKey(text)).toBe("2001:db8:0:42::/64");
});

test.each([
  ["::1", "::/64"],
  ["0:0:0:1::", "0:0:0:1::/64"],
  ["2001:db8::1", "2001:db8::/64"],
  ["1:2:3:4:5:6:7::", "1:2:3:4::/64"],
  ["::2:3:4:5:6:7:8", "0:2:3:4::/64"],
  ["fe80::1%lo0", "fe80::/64"],
])("%s is in %s", (text, key) => {
  expect(addressKey(text)).toBe(key);
});

test.each([
  "",
  " ",
  "unknown",
  "_hidden",
  "203.0.113",
  "203.0.113.256",
  "203.0.113.07",
  "0x7f.1",
  "::1::",
  ":::",
  "[::1",
])("what is no address has the key of all that are none: %j", (text) => {
  expect(addressKey(text)).toBe("unknown");
  expect(auditAddress(text)).toBe("unknown");
});

test("1,000 addresses of one /64 have one key, and those of 1,000 others have theirs", () => {
  const same = Array.from({ length: 1_000 }, (_, at) => addressKey(`2001:db8:1:2:${(at * 61).toString(16)}::${at}`));
  const others = Array.from({ length: 1_000 }, (_, at) => addressKey(`2001:db8:1:${at.toString(16)}::1`));
  expect(new Set(same)).toEqual(new Set(["2001:db8:1:2::/64"]));
  expect(new Set(others).size).toBe(1_000);
});

const group = fc.integer({ min: 0, max: 0xffff });
const octet = fc.integer({ min: 0, max: 255 });

/** One of the ways of writing an address: some groups padded, some in capitals, some run of zeros left out. */
const written = fc
  .tuple(
    fc.array(fc.oneof(group, fc.constant(0)), { minLength: 8, maxLength: 8 }),
    fc.nat(8),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([groups, from, padded, capitals]) => {
    const texts = groups.map((one) => one.toString(16).padStart(padded ? 4 : 1, "0"));
    let to = from;
    while (groups[to] === 0) to += 1;
    const shortened = to > from ? `${texts.slice(0, from).join(":")}::${texts.slice(to).join(":")}` : texts.join(":");
    return { groups, text: capitals ? shortened.toUpperCase() : shortened };
  });

test("every way of writing an IPv6 address gives what Node itself writes for its /64", () => {
  fc.assert(
    fc.property(written, ({ groups, text }) => {
      const isIPv4 = addressKey(text).includes(".");
      fc.pre(!isIPv4);
      const prefix = [...groups.slice(0, 4), 0, 0, 0, 0].map((one) => one.toString(16)).join(":");
      expect(addressKey(text)).toBe(`${new SocketAddress({ family: "ipv6", address: prefix }).address}/64`);
    }),
    { numRuns: 2_000 },
  );
});

test("an IPv4 address is itself, also inside IPv6", () => {
  fc.assert(
    fc.property(fc.tuple(octet, octet, octet, octet), ([a, b, c, d]) => {
      const plain = [a, b, c, d].join(".");
      const pairs = [a * 256 + b, c * 256 + d].map((pair) => pair.toString(16)).join(":");
      expect([plain, `::ffff:${plain}`, `::ffff:${pairs}`].map(addressKey)).toEqual([plain, plain, plain]);
    }),
  );
});

test("any text at all has a key, and the key of a key is that key", () => {
  const likely = fc.string({ unit: fc.constantFrom(...Array.from("0123456789abcdefF:.%[]/, x")) });
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), likely), (text) => {
      const key = addressKey(text);
      expect(key).toMatch(/^(?:unknown|[0-9.]{7,15}|[0-9a-f:]{2,21}\/64)$/);
      expect(addressKey(key.replace("/64", ""))).toBe(key);
      expect(auditAddress(key)).toBe(auditAddress(text));
    }),
    { numRuns: 5_000 },
  );
});

test("an audit log keeps the /24 and the /48", () => {
  expect(auditAddress("203.0.113.7")).toBe("203.0.113.0/24");
  expect(auditAddress("::ffff:203.0.113.7")).toBe("203.0.113.0/24");
  expect(auditAddress("2001:db8:1:2::/64")).toBe("2001:db8:1::/48");
  expect(auditAddress("2001:db8:0:2::5")).toBe("2001:db8::/48");
});

test("without a trusted proxy the header is the caller's own invention", () => {
  expect(clientAddress(arrival("203.0.113.7", "192.0.2.1"), 0)).toBe("203.0.113.7");
  expect(clientAddress(arrival("::ffff:203.0.113.7"), 0)).toBe("203.0.113.7");
});

test("the caller is counted from the right, so that what a caller invents on the left is not read", () => {
  const invented = "192.0.2.1, 192.0.2.2";
  expect(clientAddress(arrival("10.0.0.1", `${invented}, 203.0.113.7`), 1)).toBe("203.0.113.7");
  expect(clientAddress(arrival("10.0.0.1", `${invented},203.0.113.7,10.0.0.2`), 2)).toBe("203.0.113.7");
  expect(clientAddress(arrival("10.0.0.1", `${invented}, junk`), 1)).toBe("unknown");
  expect(clientAddress(arrival("10.0.0.1", `${invented}, [2001:db8::1]:4711`), 1)).toBe("2001:db8::/64");
});

test("who goes round a proxy is who called, and no network at all is unknown", () => {
  expect(clientAddress(arrival("203.0.113.7"), 1)).toBe("203.0.113.7");
  expect(clientAddress(arrival("10.0.0.1", "203.0.113.7"), 2)).toBe("203.0.113.7");
  expect(clientAddress(arrival(undefined), 0)).toBe("unknown");
  expect(clientAddress(undefined, 1)).toBe("unknown");
});
