import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseConfig } from "./config.ts";
import { VARIABLES } from "./env.ts";

test("with nothing set, everything has its default", () => {
  const config = parseConfig({});
  expect(config).toMatchObject({
    ok: true,
    value: {
      port: 8787,
      host: undefined,
      publicUrl: undefined,
      openai: undefined,
      localEndpoints: "usual",
      serviceWorker: "on",
      logLevel: "info",
      drainTimeoutMs: 60_000,
      runTimeouts: { connectMs: 10_000, totalMs: 1_800_000 },
    },
  });
});

test("what is set is read, without spaces and trailing slashes", () => {
  const config = parseConfig({
    PORT: "0",
    HOST: "127.0.0.1",
    PUBLIC_URL: " https://chat.example.org/ ",
    OPENAI_BASE_URL: "http://localhost:9000/v1/",
    OPENAI_MODELS: "a, b,,",
    LOCAL_ENDPOINTS: "http://localhost:1/v1/, http://localhost:2",
    RUN_STALL_TIMEOUT_MS: "1500",
  });
  if (!config.ok) throw new Error(config.failure.join("\n"));
  const { port, host, publicUrl, openai, localEndpoints, runTimeouts } = config.value;
  expect({ port, host, origin: publicUrl?.origin, openai, localEndpoints, stallMs: runTimeouts.stallMs }).toEqual({
    port: 0,
    host: "127.0.0.1",
    origin: "https://chat.example.org",
    openai: { apiKey: undefined, baseUrl: "http://localhost:9000/v1", models: ["a", "b"] },
    localEndpoints: ["http://localhost:1/v1", "http://localhost:2"],
    stallMs: 1500,
  });
});

test("an empty variable counts as unset", () => {
  expect(parseConfig({ PORT: "", DATABASE_URL: "", LOCAL_ENDPOINTS: " " })).toEqual(parseConfig({}));
});

test("all problems are named at once, and no value is repeated", () => {
  const config = parseConfig({
    PORT: "canary-1",
    PUBLIC_URL: "https://chat.example.org/canary-2",
    DATABASE_URL: "postgres://canary-3",
    REDIS_URL: "redis://canary-4",
    OPENAI_BASE_URL: "ftp://canary-5",
    LOCAL_ENDPOINTS: "file:///canary-6",
    LOG_LEVEL: "canary-7",
    SERVICE_WORKER: "canary-8",
    GUESTS: "canary-9",
    SMTP_URL: "canary-10",
    OIDC_ISSUER: "canary-11",
    DRAIN_TIMEOUT_MS: "-1",
  });
  if (config.ok) throw new Error("accepted");
  expect(new Set(config.failure.map((problem) => problem.split(" ")[0]))).toEqual(
    new Set([
      "DATABASE_URL",
      "DRAIN_TIMEOUT_MS",
      "GUESTS",
      "LOCAL_ENDPOINTS",
      "LOG_LEVEL",
      "OIDC_CLIENT_ID",
      "OIDC_ISSUER",
      "OPENAI_BASE_URL",
      "PORT",
      "PUBLIC_URL",
      "REDIS_URL",
      "SERVICE_WORKER",
      "SMTP_URL",
    ]),
  );
  expect(config.failure.join()).not.toContain("canary");
});

test("a provider to sign in with, and a mail server, are read with what people see of them", () => {
  const config = parseConfig({
    PUBLIC_URL: "https://chat.example.org",
    OIDC_ISSUER: "https://id.example.org/realm",
    OIDC_CLIENT_ID: "holdfast",
    OIDC_CLIENT_SECRET: "s",
    SMTP_URL: "smtps://u:p@mail.example.org",
  });
  if (!config.ok) throw new Error(config.failure.join("\n"));
  expect(config.value.oidc).toMatchObject({ clientId: "holdfast", name: "id.example.org" });
  expect(config.value.smtp).toMatchObject({ from: "Holdfast <holdfast@chat.example.org>" });
});

test("half of a provider, and one without an address to come back to, are refused", () => {
  const half = parseConfig({ OIDC_ISSUER: "https://id.example.org" });
  expect(half).toMatchObject({ ok: false });
  const noSender = parseConfig({ SMTP_URL: "smtp://localhost:25" });
  expect(noSender).toMatchObject({ ok: false });
});

test("docs/configuration.md lists every variable with its default and meaning", () => {
  const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
  const rows = Object.entries(VARIABLES).map(
    ([name, { standard, meaning }]) => `| \`${name}\` | ${standard && `\`${standard}\``} | ${meaning} |`,
  );
  expect(page.split("\n").filter((line) => line.startsWith("| `"))).toEqual(rows);
});
