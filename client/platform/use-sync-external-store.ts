/** What the router looks for under another name, for the sake of older versions of React. */
export { useSyncExternalStore } from "react";
