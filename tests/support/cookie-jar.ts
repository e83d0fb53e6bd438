/** The cookies of one browser at one host. */
export interface CookieJar {
  /** for a `cookie` header */
  header(): string;
  /** Takes what an answer sets and ends. */
  keep(response: Response): void;
  /** What a cookie was last set with, whole. */
  line(name: string): string | undefined;
  forget(name: string): void;
}

export function createCookieJar(): CookieJar {
  const lines = new Map<string, string>();
  return {
    header: () => [...lines.values()].map((line) => line.split(";", 1)[0] ?? "").join("; "),
    keep(response) {
      for (const line of response.headers.getSetCookie()) {
        const [name = ""] = line.split("=", 1);
        const isOver = /max-age=0|expires=thu, 01 jan 1970/i.test(line);
        if (isOver) lines.delete(name);
        else lines.set(name, line);
      }
    },
    line: (name) => lines.get(name),
    forget: (name) => void lines.delete(name),
  };
}
