import * as z from "zod/mini";

/** Stable codes of `application/problem+json` (RFC 9457) answers, with their HTTP status. */
export const PROBLEM_STATUS = {
  malformed_request: 400,
  malformed_json: 400,
  invalid_body: 400,
  invalid_query: 400,
  unauthenticated: 401,
  /** e-mail or password is wrong; which of them is not said */
  wrong_credentials: 401,
  foreign_origin: 403,
  guests_off: 403,
  sign_up_off: 403,
  /** the token is not good for this */
  scope_missing: 403,
  /** the session is good, but it is a while since somebody showed who they are */
  sign_in_again: 403,
  not_found: 404,
  // The same for a prompt that is still on its way and for a stranger asking about somebody's conversation.
  parent_missing: 404,
  method_not_allowed: 405,
  email_taken: 409,
  account_needed: 409,
  too_many: 409,
  /** without it nobody could sign in to the account any more */
  last_credential: 409,
  run_id_reused: 409,
  message_busy: 409,
  message_written: 409,
  conversation_deleted: 409,
  not_deleted: 409,
  snapshot_id_reused: 409,
  conversation_id_reused: 409,
  /** the conversation has no message */
  nothing_to_freeze: 409,
  /** an answer is still being written */
  answer_unfinished: 409,
  /** the server has not the messages that are to be frozen: send them along */
  messages_missing: 409,
  request_timeout: 408,
  gone: 410,
  body_too_large: 413,
  unsupported_media_type: 415,
  model_unknown: 422,
  /** the messages are not those that the manifest names */
  content_differs: 422,
  cannot_freeze: 422,
  password_weak: 422,
  passkey_invalid: 422,
  upgrade_required: 426,
  too_many_followers: 429,
  rate_limited: 429,
  headers_too_large: 431,
  internal: 500,
  draining: 503,
  overloaded: 503,
  /** the OpenID Connect provider does not answer */
  oidc_unavailable: 503,
  storage_failing: 503,
  storage_busy: 503,
  storage_unavailable: 507,
} as const;
export type ProblemCode = keyof typeof PROBLEM_STATUS;

export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  code: z.string(),
  detail: z.optional(z.string()),
  /** for `message_busy`: the run that holds the message */
  runId: z.optional(z.string()),
  /** for `content_differs`: which message it is, from 0; absent where it is how many there are */
  index: z.optional(z.number()),
});
export type Problem = z.infer<typeof problemSchema>;
