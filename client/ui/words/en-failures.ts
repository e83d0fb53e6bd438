import { en } from "./en.ts";

/** English, as en.ts: why an answer did not come. Loaded when the first one does not. */
export const enFailures = {
  rate_limited: {
    what: "The provider takes no more requests from this server for a moment.",
    next: "Your message is kept. Try again shortly.",
  },
  quota_exceeded: {
    what: "The account at the provider has no credit left.",
    next: "Your message is kept. Whoever runs this server can add credit, or choose another model.",
  },
  provider_unavailable: {
    what: "The provider has a problem and can't answer right now.",
    next: "Your message is kept. Try again in a minute, or choose another model.",
  },
  provider_unreachable: {
    what: "The provider can't be reached from this server.",
    next: "Your message is kept. Try again, or choose another model.",
  },
  provider_timeout: {
    what: "The provider took too long to begin.",
    next: "Your message is kept. Try again, or choose another model.",
  },
  provider_cut: {
    what: "The connection to the provider broke in the middle.",
    next: "What was written so far is kept. Continue from there, or try again.",
  },
  stalled: {
    what: "The provider stopped sending in the middle.",
    next: "What was written so far is kept. Continue from there, or try again.",
  },
  filtered: {
    what: "The provider's content filter ended this answer.",
    next: "Your message is kept. Wording it differently may help.",
  },
  context_too_long: {
    what: "This chat is longer than the model can read.",
    next: "Nothing is lost. Choose a model that reads more, or go on in a new chat.",
  },
  key_rejected: {
    what: "The provider refused the key this server uses.",
    next: "Your message is kept. Whoever runs this server needs to check the key.",
  },
  model_unknown: en.modelUnknown,
  bad_request: {
    what: "The provider didn't accept the request.",
    next: "Your message is kept. Check the chat settings, then try again.",
  },
  bad_response: {
    what: "The provider sent something that can't be read.",
    next: "What could be read is kept. Try again, or choose another model.",
  },
  output_too_long: {
    what: "The answer grew longer than this server keeps.",
    next: "What was written so far is kept. Ask for the rest in a new message.",
  },
  overloaded: {
    what: "This server has too many answers in the making.",
    next: "Your message is kept. Try again in a moment.",
  },
  server_restarted: {
    what: "The server stopped unexpectedly while the answer was being written.",
    next: "What was written so far is kept. Continue from there, or try again.",
  },
  deploy: {
    what: "The server was updated while the answer was being written.",
    next: "What was written so far is kept. Continue from there, or try again.",
  },
  log_unavailable: {
    what: "The server couldn't store the answer, so it stopped writing.",
    next: "What was stored is kept. Try again in a moment.",
  },
  internal: {
    what: "Something went wrong on this server.",
    next: "Your message is kept. Try again; if it happens again, tell whoever runs this server.",
  },
};
