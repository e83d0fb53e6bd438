/** What a personal access token lets a program do; in everything else it is nobody. */
export const TOKEN_SCOPES = ["chats:read", "chats:write", "runs"] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** How every token begins, so that people and secret scanners know one when they see it. */
export const TOKEN_PREFIX = "hft_";
export const TOKEN_NAME_LENGTH = 80;
/** The longest a token may last, in days. */
export const TOKEN_DAYS = 365;
