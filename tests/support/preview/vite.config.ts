import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Serves the chat over scripted states, to look at: `npx vite -c tests/support/preview/vite.config.ts`. Not shipped. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  server: { port: 5199, strictPort: true },
});
