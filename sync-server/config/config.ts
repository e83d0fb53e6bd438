import { resolve } from "node:path";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { VARIABLES } from "./env.ts";
import type { Environment, VariableName } from "./env.ts";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How long a run may wait at each stage, in ms. */
export interface RunTimeouts {
  connectMs: number;
  firstByteMs: number;
  firstContentMs: number;
  stallNoticeMs: number;
  stallMs: number;
  totalMs: number;
}

/** An OpenID Connect provider people may sign in with. */
export interface OidcConfig {
  issuer: URL;
  clientId: string;
  clientSecret: string;
  /** what people read */
  name: string;
}

export interface Config {
  port: number;
  /** all addresses of the machine when absent */
  host: string | undefined;
  publicUrl: URL | undefined;
  /** how many proxies stand before the server */
  trustedProxies: number;
  /** whether people get in without an account */
  guests: boolean;
  /** whether anybody may make an account */
  signUp: boolean;
  oidc: OidcConfig | undefined;
  /** absent: links for people are written to the log */
  smtp: { url: URL; from: string } | undefined;
  /** whether requests are counted against limits */
  limits: boolean;
  /** absolute path */
  dataDir: string;
  /** absent when neither a key nor a base address is set */
  openai: { apiKey: string | undefined; baseUrl: string | undefined; models: readonly string[] } | undefined;
  /** absolute path */
  providersFile: string | undefined;
  /** `usual`: the addresses local model servers listen on by default */
  localEndpoints: "usual" | readonly string[];
  /** `off`: browsers are told to let go of the service worker they have */
  serviceWorker: "on" | "off";
  logLevel: LogLevel;
  /** the bearer token of `/metrics` */
  metricsToken: string | undefined;
  /** base address of an OpenTelemetry collector */
  otlpEndpoint: URL | undefined;
  drainTimeoutMs: number;
  runTimeouts: RunTimeouts;
}

/** Reads the environment. The failure lists every problem, each naming its variable and never its value. */
export function parseConfig(environment: Environment): Result<Config, readonly string[]> {
  const problems: string[] = [];
  const read = createReader(environment, problems);
  read.notYet("DATABASE_URL", "this version has only the embedded SQLite database (DATA_DIR)");
  read.notYet("REDIS_URL", "this version runs as one process");
  const config: Config = {
    port: read.integer("PORT", 65_535),
    host: read.text("HOST"),
    publicUrl: read.origin("PUBLIC_URL"),
    trustedProxies: read.integer("TRUST_PROXY", 10),
    guests: read.isOn("GUESTS"),
    signUp: read.isOn("SIGN_UP"),
    oidc: read.oidc(),
    smtp: read.smtp(),
    limits: read.isOn("LIMITS"),
    dataDir: resolve(read.text("DATA_DIR") ?? VARIABLES.DATA_DIR.standard),
    openai: read.openai(),
    providersFile: read.path("PROVIDERS_FILE"),
    localEndpoints: read.localEndpoints(),
    serviceWorker: read.isOn("SERVICE_WORKER") ? "on" : "off",
    logLevel: read.logLevel(),
    metricsToken: read.text("METRICS_TOKEN"),
    otlpEndpoint: read.webAddress("OTEL_EXPORTER_OTLP_ENDPOINT"),
    drainTimeoutMs: read.integer("DRAIN_TIMEOUT_MS"),
    runTimeouts: {
      connectMs: read.integer("RUN_CONNECT_TIMEOUT_MS"),
      firstByteMs: read.integer("RUN_FIRST_BYTE_TIMEOUT_MS"),
      firstContentMs: read.integer("RUN_FIRST_CONTENT_TIMEOUT_MS"),
      stallNoticeMs: read.integer("RUN_STALL_NOTICE_MS"),
      stallMs: read.integer("RUN_STALL_TIMEOUT_MS"),
      totalMs: read.integer("RUN_TOTAL_TIMEOUT_MS"),
    },
  };
  return problems.length === 0 ? ok(config) : err(problems);
}

function createReader(environment: Environment, problems: string[]) {
  const text = (name: VariableName): string | undefined => {
    const value = environment[name]?.trim() || VARIABLES[name].standard;
    return value === "" ? undefined : value;
  };

  return {
    text,
    path: (name: VariableName): string | undefined => {
      const value = text(name);
      return value === undefined ? undefined : resolve(value);
    },
    notYet(name: VariableName, why: string): void {
      if (text(name) !== undefined) problems.push(`${name} is set, but ${why}. Unset it.`);
    },
    integer(name: VariableName, max = 86_400_000): number {
      const value = Number(text(name));
      if (/^\d+$/.test(text(name) ?? "") && value <= max) return value;
      problems.push(`${name} must be a whole number from 0 to ${max}.`);
      return 0;
    },
    openai(): Config["openai"] {
      const apiKey = text("OPENAI_API_KEY");
      const baseUrl = environment["OPENAI_BASE_URL"]?.trim() || undefined;
      if (baseUrl !== undefined && !isWebUrl(baseUrl))
        problems.push("OPENAI_BASE_URL must be an http or https address.");
      if (apiKey === undefined && baseUrl === undefined) return undefined;
      return { apiKey, baseUrl: baseUrl?.replace(/\/+$/, ""), models: listOf(text("OPENAI_MODELS")) };
    },
    origin(name: VariableName): URL | undefined {
      const value = text(name);
      if (value === undefined) return undefined;
      const url = isWebUrl(value) ? urlOf(value) : undefined;
      if (url && url.pathname === "/" && !url.search && !url.hash && !url.username) return url;
      problems.push(`${name} must be an http or https address without a path, e.g. https://chat.example.org.`);
      return undefined;
    },
    webAddress(name: VariableName): URL | undefined {
      const value = text(name);
      if (value === undefined || isWebUrl(value)) return value === undefined ? undefined : urlOf(value);
      problems.push(`${name} must be an http or https address.`);
      return undefined;
    },
    localEndpoints(): "usual" | readonly string[] {
      const value = text("LOCAL_ENDPOINTS") ?? "on";
      if (value === "on") return "usual";
      if (value === "off") return [];
      const addresses = listOf(value);
      if (!addresses.every(isWebUrl))
        problems.push("LOCAL_ENDPOINTS must be on, off, or http(s) addresses separated by commas.");
      return addresses.map((address) => address.replace(/\/+$/, ""));
    },
    isOn(name: VariableName): boolean {
      const value = text(name);
      if (value !== "on" && value !== "off") problems.push(`${name} must be on or off.`);
      return value !== "off";
    },
    oidc(): OidcConfig | undefined {
      const address = text("OIDC_ISSUER");
      const [clientId, clientSecret] = [text("OIDC_CLIENT_ID"), text("OIDC_CLIENT_SECRET")];
      if ((address ?? clientId ?? clientSecret) === undefined) return undefined;
      if (text("PUBLIC_URL") === undefined) problems.push("OIDC_ISSUER needs PUBLIC_URL: people are sent back there.");
      const issuer = address !== undefined && isWebUrl(address) ? urlOf(address) : undefined;
      if (issuer === undefined) problems.push("OIDC_ISSUER must be an http or https address.");
      if (clientId !== undefined && clientSecret !== undefined)
        return issuer && { issuer, clientId, clientSecret, name: text("OIDC_NAME") ?? issuer.host };
      problems.push("OIDC_CLIENT_ID and OIDC_CLIENT_SECRET must be set with OIDC_ISSUER.");
      return undefined;
    },
    smtp(): Config["smtp"] {
      const value = text("SMTP_URL");
      if (value === undefined) return undefined;
      const url = urlOf(value);
      const from = text("MAIL_FROM") ?? senderOf(text("PUBLIC_URL"));
      if (url === undefined || !["smtp:", "smtps:"].includes(url.protocol) || url.hostname === "")
        problems.push("SMTP_URL must be an address like smtps://user:password@mail.example.org.");
      // A link in a mail that was made of what a request calls its host would lead where a stranger wants.
      if (text("PUBLIC_URL") === undefined) problems.push("SMTP_URL needs PUBLIC_URL: links in mails lead there.");
      return url && from !== undefined ? { url, from } : undefined;
    },
    logLevel(): LogLevel {
      const level = LOG_LEVELS.find((known) => known === text("LOG_LEVEL"));
      if (!level) problems.push(`LOG_LEVEL must be one of ${LOG_LEVELS.join(", ")}.`);
      return level ?? "info";
    },
  };
}

const urlOf = (value: string): URL | undefined => (URL.canParse(value) ? new URL(value) : undefined);

const isWebUrl = (value: string): boolean => ["http:", "https:"].includes(urlOf(value)?.protocol ?? "");

const senderOf = (publicUrl: string | undefined): string | undefined => {
  const host = publicUrl === undefined ? undefined : urlOf(publicUrl)?.hostname;
  return host === undefined ? undefined : `Holdfast <holdfast@${host}>`;
};

const listOf = (value: string | undefined): readonly string[] =>
  (value ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
