/** ms after which a browser has surely begun to save a file that was handed to it */
const KEPT_MS = 60_000;

/** Hands a file to the browser, which saves it where the person keeps downloads. Needs no network. */
export function saveFile(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
