import type { IncomingHttpHeaders } from "node:http";
import { isIPv4, isIPv6 } from "node:net";

/** What all share whose address cannot be read. */
const UNKNOWN = "unknown";

/** Before an IPv4 address in an IPv6 one: as sockets name IPv4 callers, and as translators do (RFC 6052). */
const IPV4_INSIDE = new Set(["::ffff:0:0", "64:ff9b::"].map((prefix) => groupsOf(prefix).slice(0, 6).join(":")));

/** What tells where a request came from. */
interface Arrival {
  headers: IncomingHttpHeaders;
  socket: { remoteAddress?: string | undefined };
}

/**
 * Whom a request is counted for: an IPv4 address, or the /64 of an IPv6 address, of which one customer has all.
 * @param request absent where there is no network, as in tests that call `app.request()`
 * @param trustedProxies how many proxies stand before the server: each appends to `X-Forwarded-For` who called it, and
 *   what stands left of that is the caller's own invention. With 0 the header is not read.
 */
export function clientAddress(request: Arrival | undefined, trustedProxies: number): string {
  const forwarded = trustedProxies === 0 ? "" : String(request?.headers["x-forwarded-for"] ?? "");
  const callers = forwarded === "" ? [] : forwarded.split(",");
  callers.push(request?.socket.remoteAddress ?? "");
  // With fewer names than proxies, whoever called went round some of them, and is the first.
  return addressKey(callers[Math.max(0, callers.length - 1 - trustedProxies)] ?? "");
}

/** The one way of writing an address, or its /64; `unknown` for what is none. */
export function addressKey(text: string): string {
  const parts = partsOf(text);
  if (parts === undefined) return UNKNOWN;
  return parts.length === 4 ? parts.join(".") : `${prefixOf(parts, 4)}/64`;
}

/** For the audit log, where nobody has to be found: the /24 or /48 of an address, also of one in the form of `clientAddress`. */
export function auditAddress(address: string): string {
  const parts = partsOf(address.replace(/\/64$/, ""));
  if (parts === undefined) return UNKNOWN;
  return parts.length === 4 ? `${parts.slice(0, 3).join(".")}.0/24` : `${prefixOf(parts, 3)}/48`;
}

/** Four numbers of an IPv4 address, or eight of an IPv6 address. */
function partsOf(text: string): number[] | undefined {
  const address = bareAddress(text.trim());
  if (isIPv4(address)) return address.split(".").map(Number);
  if (!isIPv6(address)) return undefined;
  const groups = groupsOf(address);
  return isIPv4Inside(groups) ? groups.slice(6).flatMap(bytesOf) : groups;
}

/** Without brackets, port and zone. */
function bareAddress(text: string): string {
  const [, inBrackets, beforePort] = /^\[([^\]]*)\](?::\d+)?$|^([\d.]+):\d+$/.exec(text) ?? [];
  return (inBrackets ?? beforePort ?? text).replace(/%.*$/, "");
}

/** @param address IPv6, with or without `::`, its last two groups perhaps written as IPv4 */
function groupsOf(address: string): number[] {
  const [head = [], tail = []] = address.split("::").map((side) =>
    side
      .split(":")
      .filter((group) => group !== "")
      .flatMap((group) => (group.includes(".") ? pairsOf(group.split(".").map(Number)) : Number.parseInt(group, 16))),
  );
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}

const pairsOf = ([a = 0, b = 0, c = 0, d = 0]: number[]): number[] => [a * 256 + b, c * 256 + d];
const bytesOf = (group: number): number[] => [group >> 8, group & 0xff];

const isIPv4Inside = (groups: readonly number[]): boolean => IPV4_INSIDE.has(groups.slice(0, 6).join(":"));

/** The first groups as RFC 5952 writes them; the rest are zeros, and so the longest run of them. */
function prefixOf(groups: readonly number[], length: number): string {
  const kept = groups.slice(0, length);
  while (kept.at(-1) === 0) kept.pop();
  return `${kept.map((group) => group.toString(16)).join(":")}::`;
}
