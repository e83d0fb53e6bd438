interface CompletionChunk {
  choices: { delta: { content?: string | null } }[];
}
interface RelayData {
  c?: "t" | "r";
  o?: number;
  t?: string;
  ch?: { t: string };
}

/**
 * The text that a whole event stream amounts to, the relay's or a provider's. A frame of the relay that does not begin
 * where the text so far ends is left out, so that the text differs.
 */
export function readAnswer(stream: string): string {
  let text = "";
  for (const event of stream.split("\n\n")) {
    const data = /^data: (\{.*)$/mu.exec(event)?.[1];
    const name = /^event: (\w+)$/mu.exec(event)?.[1];
    if (data !== undefined) text = name === undefined ? text + contentOf(data) : afterEvent(text, name, data);
  }
  return text;
}

function contentOf(data: string): string {
  const { choices } = JSON.parse(data) as CompletionChunk;
  return choices[0]?.delta.content ?? "";
}

function afterEvent(text: string, name: string, data: string): string {
  const { c, o, t = "", ch } = JSON.parse(data) as RelayData;
  if (name === "snap") return ch?.t ?? "";
  return name === "d" && c === "t" && o === text.length ? text + t : text;
}
