import { enWorkspace } from "./en-workspace.ts";

/** The catalogue in use for what is said of workspaces. */
export const workspaceWords: typeof enWorkspace = enWorkspace;
