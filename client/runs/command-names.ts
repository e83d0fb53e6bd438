/** The lock under which commands of a conversation are sent: one tab, or the service worker, at a time. */
export const runCommandsLock = (conversationId: string): string => `holdfast-run-commands-${conversationId}`;

/** The channel on which tabs of an account and workspace, and the service worker, tell each other of their commands. */
export const runCommandsChannel = (scope: string): string => `holdfast-run-commands-${scope}`;
