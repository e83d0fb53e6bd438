import { FROZEN_FORMAT, chainMessages, contentIdOf } from "#shared/domain/frozen-content.ts";
import type { Manifest } from "#shared/domain/frozen-content.ts";
import { SNAPSHOT_FILE_FORMAT } from "#shared/provenance/snapshot-file.ts";

// What the OpenAPI document shows of snapshots: one of a question and its answer, with the hashes that it really has.

const ID = "01995a3e-7d10-7c3e-9a4b-3f2d5b8c9e01";
const CONVERSATION = "01995a3e-6c00-7b1d-8e2f-1a2b3c4d5e6f";
const ACCOUNT = "n3Qe7VbXk2";
const MODEL = "openai/gpt-5-mini";
const TIME = 1_789_000_000_000;

const { messages, hashes } = chainMessages([
  {
    id: "01995a3e-6c01-7b1d-8e2f-1a2b3c4d5e6f",
    role: "user",
    author: ACCOUNT,
    text: "How does kelp hold on to rock?",
    createdAt: TIME,
  },
  {
    id: "01995a3e-6c02-7b1d-8e2f-1a2b3c4d5e6f",
    role: "assistant",
    text: "By a holdfast: a tangle of root-like haptera that grip the rock.",
    createdAt: TIME + 100,
    run: {
      id: "01995a3e-6c03-7b1d-8e2f-1a2b3c4d5e6f",
      model: MODEL,
      provider: "openai",
      resolvedModel: "gpt-5-mini-2026-08-07",
      parameters: { temperature: 0.7 },
      status: "completed",
      finish: "stop",
      usage: { inputTokens: 15, outputTokens: 18, source: "provider", costMicroUsd: 40 },
      queuedAt: TIME + 100,
      startedAt: TIME + 110,
      firstTokenAt: TIME + 400,
      endedAt: TIME + 1_200,
    },
  },
]);

const manifest: Manifest = {
  format: FROZEN_FORMAT,
  settings: { model: MODEL, systemPrompt: "Answer briefly.", parameters: { temperature: 0.7 } },
  messageCount: messages.length,
  head: hashes.at(-1) ?? null,
};

const labels = { title: "How kelp holds on", note: "Before the reef trip", tags: ["biology", "reef"] };

export const SUMMARY_EXAMPLE = {
  id: ID,
  conversationId: CONVERSATION,
  number: 1,
  contentId: contentIdOf(manifest),
  head: manifest.head,
  messageCount: manifest.messageCount,
  model: MODEL,
  excerpt: "How does kelp hold on to rock?",
  ...labels,
  createdAt: TIME + 60_000,
  createdBy: ACCOUNT,
  deleted: false,
};

export const SNAPSHOT_EXAMPLE = { ...SUMMARY_EXAMPLE, manifest, messages };

export const FILE_EXAMPLE = {
  format: SNAPSHOT_FILE_FORMAT,
  meta: {
    id: ID,
    conversationId: CONVERSATION,
    number: 1,
    ...labels,
    createdAt: TIME + 60_000,
    createdBy: ACCOUNT,
    server: "https://chat.example.org",
  },
  manifest,
  messages,
  // The key of RFC 8037, Appendix A, under its thumbprint.
  keys: [
    {
      kty: "OKP",
      crv: "Ed25519",
      x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
      kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
      alg: "EdDSA",
      use: "sig",
      iat: Math.floor(TIME / 1000),
    },
  ],
  signature: "eyJhbGciOiJFZERTQSJ9.e30.AAAA",
};

export const TAKE_EXAMPLE = { id: ID, conversationId: CONVERSATION, ...labels };

export const CHANGE_EXAMPLE = { title: "How kelp grips rock", tags: ["biology"] };

const COPY = { conversationId: "01995a40-0000-7000-8000-1a2b3c4d5e6f" };
export const DUPLICATE_EXAMPLE = { body: { ...COPY, title: "Kelp, once more" }, answer: COPY };

export const SERIES_EXAMPLE = {
  body: { wanted: [{ conversationId: CONVERSATION, after: 0 }] },
  answer: {
    series: [
      {
        conversationId: CONVERSATION,
        messages: messages.map((message, at) => ({ hash: hashes[at], message })),
        after: messages.length,
        more: false,
      },
    ],
  },
};
