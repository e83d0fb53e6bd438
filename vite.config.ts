import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { VitePWA } from "vite-plugin-pwa";
import { webAppManifest } from "./client/web-app-manifest.ts";

const server = process.env["HOLDFAST_DEV_SERVER"] ?? "http://localhost:8787";

export default defineConfig({
  root: "client",
  publicDir: "../public",
  // Every browser the app runs in preloads modules by itself.
  build: {
    outDir: "../dist/client",
    emptyOutDir: true,
    sourcemap: true,
    target: "es2022",
    manifest: true,
    modulePreload: { polyfill: false },
    // One file for the first paint: each more costs a started browser a request to the worker and a task of its own.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "app", tags: ["$initial"] }] } } },
  },
  resolve: {
    alias: {
      // What Yjs writes its warnings with brings a schema language along, 10 kB that every first visit would load.
      "lib0/logging": new URL("client/platform/yjs-logging.ts", import.meta.url).pathname,
      // The router brings a stand-in for what React has had since version 18.
      "use-sync-external-store/shim/index.js": new URL("client/platform/use-sync-external-store.ts", import.meta.url)
        .pathname,
    },
  },
  plugins: [
    react(),
    VitePWA({
      strategies: "injectManifest",
      srcDir: "service-worker",
      filename: "sw.ts",
      injectRegister: false,
      registerType: "prompt",
      manifest: webAppManifest,
      includeManifestIcons: false,
      injectManifest: {
        // One script, whose parts that pages load late are in it: a worker can load nothing when it runs.
        rollupFormat: "iife",
        globPatterns: ["**/*.{js,css,html,svg,png,webmanifest}"],
        // For the system and its shop windows; the app itself shows none of them.
        globIgnores: ["icons/**", "screenshots/**"],
      },
    }),
  ],
  server: {
    port: 5173,
    strictPort: true,
    proxy: {
      "/api": { target: server, changeOrigin: false },
      // Sockets only: the client has a folder of that name, whose files are served from here.
      "^/sync(/\\w+\\.[0-9a-f-]+\\.\\d+)?(\\?.*)?$": { target: server, ws: true, changeOrigin: false },
      "/healthz": server,
      "/readyz": server,
    },
  },
});
