import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const server = process.env["HOLDFAST_DEV_SERVER"] ?? "http://localhost:8787";

export default defineConfig({
  root: "client",
  publicDir: "../public",
  build: { outDir: "../dist/client", emptyOutDir: true, sourcemap: true, target: "es2022", manifest: true },
  plugins: [react()],
  server: {
    port: 5173,
    strictPort: true,
    proxy: {
      "/api": { target: server, changeOrigin: false },
      "/sync": { target: server, ws: true, changeOrigin: false },
      "/healthz": server,
      "/readyz": server,
    },
  },
});
