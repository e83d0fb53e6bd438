import * as z from "zod/mini";

/** Programs that serve models on a person's own machine, at the port each listens on by default. */
export const LOCAL_ENDPOINTS = [
  { id: "ollama", name: "Ollama", baseUrl: "http://127.0.0.1:11434/v1" },
  { id: "lmstudio", name: "LM Studio", baseUrl: "http://127.0.0.1:1234/v1" },
  { id: "llamacpp", name: "llama.cpp", baseUrl: "http://127.0.0.1:8080/v1" },
  { id: "vllm", name: "vLLM", baseUrl: "http://127.0.0.1:8000/v1" },
] as const;
export type LocalEndpoint = { id: string; name: string; baseUrl: string };

const listSchema = z.object({ data: z.array(z.object({ id: z.string().check(z.minLength(1), z.maxLength(150)) })) });
const MOST_MODELS = 500;
const MOST_BYTES = 4 * 1024 * 1024;

/** The names of the models an endpoint serves, or `undefined` where it does not answer as one. */
export async function readModelNames(
  baseUrl: string,
  apiKey: string | undefined,
  timeoutMs: number,
): Promise<string[] | undefined> {
  try {
    const response = await fetch(`${baseUrl.replace(/\/$/u, "")}/models`, {
      headers: { "accept-encoding": "identity", ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) },
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await readSome(response);
    if (!response.ok || text === undefined) return undefined;
    const parsed = listSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data.data.slice(0, MOST_MODELS).map(({ id }) => id) : undefined;
  } catch {
    return undefined; // nothing listens there, or it is something else
  }
}

/** A body of bounded length, also once it is unpacked; the rest of a longer one is not read. */
async function readSome({ body }: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
