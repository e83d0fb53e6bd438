import { answer } from "./provider-behaviour.ts";
import type { Behaviour } from "./provider-behaviour.ts";
import type { RecordedRequest } from "./scripted-provider.ts";

/** In how many ways it answers, one after the other. */
export const WAYS = 15;

/** A provider that quotes all it was sent, the key included, in whatever way it fails. */
export const quotingProvider =
  ({ answer: text, word }: { answer: string; word: string }) =>
  ({ headers, body, index }: RecordedRequest): Behaviour => {
    const quote = `${JSON.stringify(body.messages)} ${String(headers["authorization"])}`;
    const error = { message: quote, type: quote, code: null, param: quote };
    const refusal = (status: number): Behaviour => ({
      kind: "refusal",
      status,
      headers: { "x-request-id": word, "retry-after-ms": "1" },
      error,
    });
    const ways: Behaviour[] = [
      answer([text]),
      ...[400, 404, 413, 422, 503].map(refusal),
      { kind: "plain", status: 200, contentType: "text/html", body: `<p>${quote}</p>` },
      { kind: "plain", status: 200, contentType: "text/event-stream", body: `data: ${quote}\n\n` },
      { kind: "plain", status: 502, contentType: "text/plain", body: quote },
      answer([text], { ending: { type: "error", after: 1, error } }),
      answer([text], { ending: { type: "cut", after: 1 } }),
      answer([text], { model: word }),
      // A provider that knows no such key is asked no more for a while.
      ...[403, 402, 401].map(refusal),
    ];
    return ways[index % ways.length] ?? answer([text]);
  };
