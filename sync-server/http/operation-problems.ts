// The refusals that many routes have in common.

/** What a body can be refused for, wherever one is read. */
export const BODY = ["malformed_json", "invalid_body", "body_too_large", "unsupported_media_type"] as const;
/** Whoever is nobody, names a workspace that is not theirs, or shows a token that is not good for it. */
export const SIGNED_IN = ["unauthenticated", "not_found", "scope_missing"] as const;
export const CHANGES = ["foreign_origin"] as const;
