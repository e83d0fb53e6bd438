import type { Model } from "#shared/protocol/http-bodies.ts";
import { openGuide } from "./guide-provider.ts";
import { LOCAL_ENDPOINTS, readModelNames } from "./local-endpoints.ts";
import type { LocalEndpoint } from "./local-endpoints.ts";
import { openOpenAiProvider } from "./openai-provider.ts";
import type { ConfiguredModel, ConfiguredProvider } from "./provider-config.ts";
import type { Provider, Providers, ServedModel } from "./provider.ts";
import type { Log } from "./run-parts.ts";

export interface ProvidersConfig {
  /** from `OPENAI_API_KEY` and `OPENAI_BASE_URL`; a base URL alone sends no key */
  openai: { apiKey: string | undefined; baseUrl: string | undefined; models: readonly string[] } | undefined;
  /** from `PROVIDERS_FILE` */
  configured: readonly ConfiguredProvider[];
  /** where to look for models on this machine; the usual ports by default, none to look nowhere */
  local?: readonly LocalEndpoint[];
  /** the folder of the help pages the guide answers from */
  helpFolder?: string;
  /** ms to establish a connection to a provider */
  connectMs?: number | undefined;
}

const OPENAI_BASE_URL = "https://api.openai.com/v1";
/** Offered when the endpoint's own list cannot be read; any other name is accepted then, too. */
const OPENAI_MODELS = ["gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini"];
/** The OpenAI list also names models that do not chat. */
const CHAT_MODEL = /^(gpt-|o\d|chatgpt-)(?!.*(audio|realtime|transcribe|tts|image|instruct|search))/u;

const HOSTED_CONCURRENCY = 500;
const LOCAL_CONCURRENCY = 4;
const LIST_TIMEOUT_MS = 5000;
const PROBE_TIMEOUT_MS = 500;
const REFRESH_MS = 60_000;

interface Endpoint {
  provider: Provider & { close(): Promise<void> };
  models: readonly ConfiguredModel[];
  /** whether names that are not in the list are passed on */
  open: boolean;
  refresh: (() => Promise<void>) | undefined;
}

/** What all endpoints have in common. */
interface Common {
  connectMs: number | undefined;
  now: () => number;
}

/**
 * Opens the endpoints of the configuration, looks for local ones in the background, and adds the built-in
 * guide, which is always there. Nothing here waits for a network.
 */
export function openProviders(config: ProvidersConfig, log: Log, now: () => number = Date.now): Providers {
  const guide = openGuide(config.helpFolder, log);
  const common: Common = { connectMs: config.connectMs, now };
  const hosted: Endpoint[] = config.configured.map((entry) => configuredEndpoint(entry, common));
  if (config.openai) hosted.unshift(openAiEndpoint(config.openai, common));
  const local = (config.local ?? LOCAL_ENDPOINTS).map((endpoint) => localEndpoint(endpoint, common));
  const endpoints = [...hosted, ...local];
  let refreshedAt = Number.NEGATIVE_INFINITY;
  let refreshing = Promise.resolve();

  function refresh(): Promise<void> {
    if (now() - refreshedAt < REFRESH_MS) return refreshing;
    refreshedAt = now();
    refreshing = lookForModels();
    return refreshing;
  }

  async function lookForModels(): Promise<void> {
    await Promise.all(endpoints.map(async ({ refresh: look }) => look?.()));
    log.info({ models: endpoints.reduce((sum, { models }) => sum + models.length, 0) }, "looked for models");
  }
  void refresh();

  const listed = (): Model[] => [...endpoints.flatMap(modelsOf), guide.model];

  return {
    async list() {
      // A slow endpoint must not keep people waiting for the list: what is known by then is shown.
      await Promise.race([refresh(), new Promise((resolve) => setTimeout(resolve, PROBE_TIMEOUT_MS * 2))]);
      const models = listed();
      return { models, defaultModel: (models[0] ?? guide.model).id };
    },
    async find(modelId) {
      if (modelId === guide.served.id) return guide.served;
      const found = findIn(endpoints, modelId);
      if (found || !endpoints.some(({ provider }) => modelId.startsWith(`${provider.id}/`))) return found;
      await refresh();
      return findIn(endpoints, modelId);
    },
    async close() {
      await Promise.all(endpoints.map(({ provider }) => provider.close()));
    },
  };
}

const modelsOf = ({ provider: { id, name, kind }, models }: Endpoint): Model[] =>
  models.map((model) => ({
    id: `${id}/${model.id}`,
    name: model.name ?? model.id,
    provider: { id, name },
    kind,
    ...(model.contextTokens !== undefined && { contextTokens: model.contextTokens }),
  }));

function findIn(endpoints: readonly Endpoint[], modelId: string): ServedModel | undefined {
  for (const { provider, models, open } of endpoints) {
    if (!modelId.startsWith(`${provider.id}/`)) continue;
    const name = modelId.slice(provider.id.length + 1);
    const model = models.find(({ id }) => id === name);
    if (model || (open && name !== "")) return { id: modelId, name, provider, prices: model?.prices ?? [] };
  }
  return undefined;
}

function configuredEndpoint(entry: ConfiguredProvider, common: Common): Endpoint {
  const { id, name, baseUrl, apiKey } = entry;
  const kind = entry.local ? "local" : "hosted";
  const concurrency = entry.concurrency ?? (entry.local ? LOCAL_CONCURRENCY : HOSTED_CONCURRENCY);
  const provider = openOpenAiProvider({ id, name, kind, baseUrl, apiKey, concurrency, ...common });
  const endpoint: Endpoint = { provider, models: entry.models ?? [], open: false, refresh: undefined };
  if (entry.models === undefined) endpoint.refresh = readsItsModels(endpoint, baseUrl, apiKey);
  return endpoint;
}

function readsItsModels(
  endpoint: Endpoint,
  baseUrl: string,
  apiKey: string | undefined,
  keep = (name: string) => name !== "",
) {
  return async (): Promise<void> => {
    const names = await readModelNames(baseUrl, apiKey, LIST_TIMEOUT_MS);
    if (names !== undefined) endpoint.models = names.filter(keep).map((id) => ({ id }));
    endpoint.open = names === undefined;
  };
}

function openAiEndpoint(openai: NonNullable<ProvidersConfig["openai"]>, common: Common): Endpoint {
  const { apiKey, models } = openai;
  const baseUrl = openai.baseUrl ?? OPENAI_BASE_URL;
  const about = { id: "openai", name: "OpenAI", kind: "hosted", concurrency: HOSTED_CONCURRENCY } as const;
  const provider = openOpenAiProvider({ ...about, ...common, baseUrl, apiKey });
  const fallback = models.length > 0 ? models : openai.baseUrl === undefined ? OPENAI_MODELS : [];
  const endpoint: Endpoint = { provider, models: fallback.map((id) => ({ id })), open: true, refresh: undefined };
  const ours = new URL(baseUrl).hostname === "api.openai.com";
  endpoint.refresh = readsItsModels(endpoint, baseUrl, apiKey, ours ? (name) => CHAT_MODEL.test(name) : undefined);
  return endpoint;
}

function localEndpoint({ id, name, baseUrl }: LocalEndpoint, common: Common): Endpoint {
  const about = { kind: "local", concurrency: LOCAL_CONCURRENCY, apiKey: undefined } as const;
  const endpoint: Endpoint = {
    provider: openOpenAiProvider({ id, name, baseUrl, ...about, ...common }),
    models: [],
    open: false,
    async refresh() {
      const names = await readModelNames(baseUrl, undefined, PROBE_TIMEOUT_MS);
      endpoint.models = (names ?? []).map((model) => ({ id: model }));
    },
  };
  return endpoint;
}
