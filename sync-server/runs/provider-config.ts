import * as z from "zod/mini";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";

const id = z.string().check(z.regex(/^[a-z0-9][a-z0-9_-]{0,39}$/));
const tokens = z.int().check(z.gte(1), z.lte(100_000_000));
const microUsd = z.int().check(z.gte(0), z.lte(1_000_000_000_000));

const priceSchema = z.strictObject({
  from: z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/)),
  inputMicroUsdPerMillion: microUsd,
  outputMicroUsdPerMillion: microUsd,
  cachedInputMicroUsdPerMillion: z.optional(microUsd),
});

const configuredModelSchema = z.strictObject({
  /** the model's name at the provider */
  id: z.string().check(z.minLength(1), z.maxLength(150)),
  name: z.optional(z.string().check(z.minLength(1), z.maxLength(100))),
  contextTokens: z.optional(tokens),
  prices: z.optional(z.array(priceSchema)),
});
export type ConfiguredModel = z.infer<typeof configuredModelSchema>;

const providerSchema = z.strictObject({
  id,
  name: z.optional(z.string().check(z.minLength(1), z.maxLength(100))),
  baseUrl: z.string().check(z.refine(isHttpUrl, "must be an http or https URL without credentials")),
  apiKey: z.optional(z.string().check(z.minLength(1))),
  /** the environment variable that holds the key */
  apiKeyEnv: z.optional(z.string().check(z.minLength(1))),
  local: z.optional(z.boolean()),
  concurrency: z.optional(z.int().check(z.gte(1), z.lte(10_000))),
  models: z.optional(z.array(configuredModelSchema)),
});
type ProviderEntry = z.infer<typeof providerSchema>;

export interface ConfiguredProvider extends Omit<ProviderEntry, "apiKeyEnv" | "name" | "apiKey"> {
  name: string;
  apiKey: string | undefined;
}

/** Ids that are made by Holdfast itself. */
const RESERVED: ReadonlySet<string> = new Set(["holdfast", "ollama", "lmstudio", "llamacpp", "vllm"]);

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === "http:" || protocol === "https:") && username === "" && password === "";
}

/**
 * Reads the text of `PROVIDERS_FILE`: a JSON list of OpenAI-compatible endpoints. The failure is a sentence
 * for the person who wrote the file; it never holds a key.
 * @param env answers the value of an environment variable
 */
export function parseProvidersFile(
  text: string,
  env: (name: string) => string | undefined,
): Result<ConfiguredProvider[]> {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return err("PROVIDERS_FILE is not JSON");
  }
  const parsed = z.array(providerSchema).safeParse(raw);
  if (!parsed.success) return err(`PROVIDERS_FILE: ${issuesOf(parsed.error.issues)}`);
  const seen = new Set<string>();
  const providers: ConfiguredProvider[] = [];
  for (const { apiKeyEnv, ...entry } of parsed.data) {
    if (RESERVED.has(entry.id)) return err(`PROVIDERS_FILE: the id "${entry.id}" is taken by Holdfast itself`);
    if (seen.has(entry.id)) return err(`PROVIDERS_FILE: the id "${entry.id}" is used twice`);
    seen.add(entry.id);
    const apiKey = entry.apiKey ?? (apiKeyEnv === undefined ? undefined : env(apiKeyEnv));
    if (apiKeyEnv !== undefined && !apiKey)
      return err(`PROVIDERS_FILE: provider "${entry.id}" wants its key from ${apiKeyEnv}, which is not set`);
    providers.push({ ...entry, name: entry.name ?? entry.id, apiKey });
  }
  return ok(providers);
}

function issuesOf(issues: readonly z.core.$ZodIssue[]): string {
  return issues
    .map((issue) => `${issue.path.map(String).join(".") || "the list"}: ${issue.message || issue.code}`)
    .join("; ")
    .slice(0, 500);
}
