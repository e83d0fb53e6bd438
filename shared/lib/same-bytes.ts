/** Whether two runs of bytes are equal. Not for secrets: it stops at the first difference. */
export const isSameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);
