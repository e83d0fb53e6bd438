/** Characters that are gathered as text before the browser takes them over; it keeps large files on disk. */
const GATHERED = 1 << 20;

/** A file made piece by piece, so that it never is in the page's memory as a whole. */
export interface FileBuilder {
  add(text: string): void;
  file(): Blob;
}

export function createFileBuilder(type: string): FileBuilder {
  const folded: Blob[] = [];
  let texts: string[] = [];
  let gathered = 0;
  const fold = (): void => {
    folded.push(new Blob(texts));
    texts = [];
    gathered = 0;
  };
  return {
    add(text) {
      texts.push(text);
      gathered += text.length;
      if (gathered >= GATHERED) fold();
    },
    file() {
      fold();
      return new Blob(folded, { type });
    },
  };
}

/** `name-2026-11-28.json`, by the calendar of this device. */
export function datedFileName(name: string, now: number): string {
  const date = new Date(now);
  return `${name}-${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}.json`;
}

const two = (value: number): string => String(value).padStart(2, "0");
