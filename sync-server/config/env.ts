/** One environment variable. `standard` is what counts when it is unset; "" means nothing. */
interface Variable {
  standard: string;
  meaning: string;
}

/** Every environment variable the server reads, named once. `docs/configuration.md` lists the same. */
export const VARIABLES = {
  PORT: { standard: "8787", meaning: "Port to listen on; 0 takes a free one." },
  HOST: { standard: "", meaning: "Address to listen on. Unset: all addresses of this machine." },
  PUBLIC_URL: {
    standard: "",
    meaning: "Where people reach the server, e.g. `https://chat.example.org`. Needed behind a proxy and for https.",
  },
  TRUST_PROXY: {
    standard: "0",
    meaning:
      "How many proxies stand before the server: from so many the address of a caller is taken (`X-Forwarded-For`).",
  },
  GUESTS: { standard: "on", meaning: "`off`: nobody gets in without an account." },
  SIGN_UP: { standard: "on", meaning: "`off`: new accounts come only by an invitation or by `OIDC_ISSUER`." },
  OIDC_ISSUER: { standard: "", meaning: "Address of an OpenID Connect provider people may sign in with." },
  OIDC_CLIENT_ID: { standard: "", meaning: "What that provider knows this server as." },
  OIDC_CLIENT_SECRET: { standard: "", meaning: "The secret it gave this server." },
  OIDC_NAME: { standard: "", meaning: "What people read on the button. Unset: the provider's host." },
  SMTP_URL: {
    standard: "",
    meaning:
      "Mail server, e.g. `smtps://user:password@mail.example.org`. Unset: links for people are written to the log.",
  },
  MAIL_FROM: { standard: "", meaning: "Sender of mails. Unset: `holdfast@` and the host of `PUBLIC_URL`." },
  LIMITS: {
    standard: "on",
    meaning: "`off` counts no requests: for a server that is reached by nobody else.",
  },
  DATA_DIR: { standard: "./data", meaning: "Folder of the database and of the secret that signs sessions." },
  DATABASE_URL: { standard: "", meaning: "Reserved for Postgres; this version has only the embedded database." },
  REDIS_URL: { standard: "", meaning: "Reserved for several nodes; this version runs as one process." },
  OPENAI_API_KEY: { standard: "", meaning: "Key of an OpenAI-compatible endpoint." },
  OPENAI_BASE_URL: { standard: "https://api.openai.com/v1", meaning: "Base address of that endpoint." },
  OPENAI_MODELS: { standard: "", meaning: "Models to offer when the endpoint cannot list them, comma-separated." },
  PROVIDERS_FILE: { standard: "", meaning: "JSON file with further providers." },
  LOCAL_ENDPOINTS: {
    standard: "on",
    meaning:
      "`on` looks for Ollama, LM Studio, llama.cpp and vLLM here; `off` does not; or base addresses, comma-separated.",
  },
  SERVICE_WORKER: {
    standard: "on",
    meaning: "`off` takes the installed app's service worker back from every browser that comes by.",
  },
  LOG_LEVEL: { standard: "info", meaning: "`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`." },
  METRICS_TOKEN: {
    standard: "",
    meaning:
      "Bearer token for `/metrics`. Unset: only this machine may read it, under `localhost` or its loopback address, and nobody once `PUBLIC_URL` is set.",
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    standard: "",
    meaning: "Base address of an OpenTelemetry collector, e.g. `http://localhost:4318`. Unset: nothing is traced.",
  },
  DRAIN_TIMEOUT_MS: { standard: "60000", meaning: "How long running answers may finish after SIGTERM, in ms." },
  RUN_CONNECT_TIMEOUT_MS: { standard: "10000", meaning: "Longest wait for a connection to a provider, in ms." },
  RUN_FIRST_BYTE_TIMEOUT_MS: {
    standard: "60000",
    meaning: "Longest wait for the first byte of an answer, in ms; five times that for local models.",
  },
  RUN_FIRST_CONTENT_TIMEOUT_MS: {
    standard: "120000",
    meaning: "Longest wait for the first word, in ms; five times that while a model reasons.",
  },
  RUN_STALL_NOTICE_MS: { standard: "20000", meaning: "Silence after which readers are told of it, in ms." },
  RUN_STALL_TIMEOUT_MS: { standard: "90000", meaning: "Silence after which an answer is interrupted, in ms." },
  RUN_TOTAL_TIMEOUT_MS: { standard: "1800000", meaning: "Longest answer altogether, in ms." },
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof VARIABLES;

/** The environment as the process has it. */
export type Environment = Readonly<Record<string, string | undefined>>;
