import { PROBLEM_STATUS } from "#shared/protocol/problem.ts";
import type { Problem, ProblemCode } from "#shared/protocol/problem.ts";

const TITLES: Record<ProblemCode, string> = {
  malformed_request: "The request is not HTTP as it should be",
  malformed_json: "The body is not JSON",
  invalid_body: "The body does not have the expected shape",
  invalid_query: "The query does not have the expected shape",
  unauthenticated: "Sign in first",
  wrong_credentials: "The e-mail, the password or the passkey is wrong",
  guests_off: "This server takes no guests",
  sign_up_off: "New accounts come only by an invitation here",
  scope_missing: "This token is not good for this",
  sign_in_again: "Sign in again first: this changes how one signs in",
  email_taken: "There is an account with this e-mail",
  account_needed: "A guest cannot do this: make an account first",
  too_many: "There are as many of these as there may be",
  last_credential: "Nobody could sign in to the account without this",
  passkey_invalid: "The passkey could not be checked",
  password_weak: "The password is too short, too long or too common",
  rate_limited: "Too many requests: wait a little",
  foreign_origin: "Requests from other origins are refused",
  not_found: "There is nothing here",
  method_not_allowed: "This address does not answer that method",
  parent_missing: "There is no such prompt here, or not yet",
  run_id_reused: "Another run has this id",
  message_busy: "Another run is writing this message",
  message_written: "Another run has written this message",
  conversation_deleted: "The conversation is deleted; it can be restored",
  not_deleted: "It is not in the trash",
  snapshot_id_reused: "Another snapshot has this id",
  conversation_id_reused: "Another conversation has this id",
  nothing_to_freeze: "There is no message to freeze",
  answer_unfinished: "An answer is still being written",
  messages_missing: "These messages are not here: send them along",
  request_timeout: "The request took too long to arrive",
  gone: "This is no longer here",
  body_too_large: "The body is too large",
  unsupported_media_type: "The body is not of the type that is taken here",
  content_differs: "The messages are not what the manifest says",
  cannot_freeze: "The conversation holds something that a snapshot cannot: ids, lengths or settings out of bounds",
  model_unknown: "There is no such model",
  upgrade_required: "This app is too old for the server",
  too_many_followers: "Too many connections follow this",
  headers_too_large: "The headers are too large",
  internal: "The server made a mistake",
  draining: "The server is restarting",
  overloaded: "The server is busy",
  oidc_unavailable: "The service to sign in with does not answer",
  storage_failing: "The last write to the storage failed, and it takes none yet",
  storage_busy: "The server cannot store anything at this moment",
  storage_unavailable: "The server cannot store anything right now",
};

export interface ProblemExtras {
  /** for developers, in English; never content of a person or words of a provider */
  detail?: string;
  /** for `message_busy` */
  runId?: string;
  /** for `content_differs` */
  index?: number;
  headers?: Readonly<Record<string, string>>;
}

/** For what the same request may get in a moment: coming back soon is all a device has to do. */
export const SOON = { headers: { "retry-after": "1" } } as const;

/** The JSON of a problem. */
export function problemText(code: ProblemCode, { detail, runId, index }: ProblemExtras = {}): string {
  const body: Problem = {
    type: `/problems/${code}`,
    title: TITLES[code],
    status: PROBLEM_STATUS[code],
    code,
    ...(detail !== undefined && { detail }),
    ...(runId !== undefined && { runId }),
    ...(index !== undefined && { index }),
  };
  return JSON.stringify(body);
}

/** An answer of `application/problem+json` (RFC 9457). `code` is what programs act on. */
export function problem(code: ProblemCode, extras: ProblemExtras = {}): Response {
  return new Response(problemText(code, extras), {
    status: PROBLEM_STATUS[code],
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...extras.headers },
  });
}
