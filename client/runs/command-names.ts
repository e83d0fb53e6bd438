/** The lock under which commands of a conversation are sent: one tab, or the service worker, at a time. */
export const runCommandsLock = (conversationId: string): string => `holdfast-run-commands-${conversationId}`;

/** The channel on which tabs of an account and workspace, and the service worker, tell each other of their commands. */
export const runCommandsChannel = (scope: string): string => `holdfast-run-commands-${scope}`;

/** The lock of the tab that reads a run from the server, for all tabs of this browser. */
export const readRunLock = (runId: string): string => `holdfast-run-${runId}`;

/** The channel on which that tab tells the others what it reads; the number changes with what is said on it. */
export const runEventsChannel = (scope: string): string => `holdfast-run-events-1-${scope}`;
