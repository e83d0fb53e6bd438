export interface ReadMail {
  /** as they came, but for the folding of long lines */
  headers: readonly string[];
  subject: string;
  text: string;
  html: string;
}

/** Reads the mails Holdfast writes: one text and one HTML part of the same message. Nothing else is understood. */
export function readMail(raw: Buffer): ReadMail {
  const { headers, body } = split(raw.toString("latin1"));
  const boundary = /^content-type: multipart\/alternative;.*boundary="([^"]+)"/im.exec(headers.join("\n"))?.[1];
  if (boundary === undefined) throw new Error("The mail has no parts");
  const parts = body.split(`--${boundary}`).slice(1, -1).map(split);
  return {
    headers,
    subject: decodeWords(headerOf(headers, "subject")),
    text: partOf(parts, "text/plain"),
    html: partOf(parts, "text/html"),
  };
}

interface Part {
  headers: readonly string[];
  body: string;
}

function split(message: string): Part {
  const [head = "", ...rest] = message.replace(/^\r\n/, "").split("\r\n\r\n");
  return { headers: head.replace(/\r\n[ \t]+/g, " ").split("\r\n"), body: rest.join("\r\n\r\n") };
}

/** Throws unless there is exactly one. */
export function headerOf(headers: readonly string[], name: string): string {
  const found = headers.filter((header) => header.toLowerCase().startsWith(`${name.toLowerCase()}:`));
  if (found.length !== 1) throw new Error(`The mail has ${found.length} headers named ${name}`);
  return found[0]!.slice(name.length + 1).trim();
}

function partOf(parts: readonly Part[], type: string): string {
  const found = parts.filter(({ headers }) => headerOf(headers, "content-type").startsWith(`${type}; charset=utf-8`));
  if (found.length !== 1) throw new Error(`The mail has ${found.length} parts of type ${type}`);
  const { headers, body } = found[0]!;
  const encoding = headerOf(headers, "content-transfer-encoding");
  const bytes =
    encoding === "base64"
      ? Buffer.from(body, "base64")
      : Buffer.from(encoding === "quoted-printable" ? unquoted(body) : body, "latin1");
  return bytes.toString("utf8").replaceAll("\r\n", "\n").trimEnd();
}

/** Undoes quoted-printable; answers one character for each byte. */
const unquoted = (text: string): string =>
  text
    .replace(/=\r\n/g, "")
    .replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** Undoes the encoded words of a header (RFC 2047), which may cut a character in two. */
function decodeWords(header: string): string {
  const joined = header.replace(/\?=\s+=\?/g, "?==?");
  return joined.replace(/(=\?UTF-8\?[QB]\?[^?]*\?=)+/gi, (words) => {
    const bytes = [...words.matchAll(/=\?UTF-8\?([QB])\?([^?]*)\?=/gi)].map(([, kind = "", coded = ""]) =>
      kind.toUpperCase() === "B"
        ? Buffer.from(coded, "base64")
        : Buffer.from(unquoted(coded.replaceAll("_", " ")), "latin1"),
    );
    return Buffer.concat(bytes).toString("utf8");
  });
}
