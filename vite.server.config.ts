import { defineConfig } from "vite";

// A start after a crash is waited for, and most of it was Node finding and reading a thousand modules: they are bundled.
// Outside stay what is compiled, and what only some servers load, or load late.
const EXTERNAL = [
  "better-sqlite3",
  "@zxcvbn-ts/language-common",
  "gpt-tokenizer",
  "@opentelemetry/api",
  "@opentelemetry/exporter-trace-otlp-http",
  "@opentelemetry/resources",
  "@opentelemetry/sdk-trace-node",
];

export default defineConfig({
  publicDir: false,
  ssr: { noExternal: true, external: EXTERNAL },
  build: {
    ssr: true,
    outDir: "dist/server",
    emptyOutDir: true,
    target: "node20",
    minify: false,
    sourcemap: true,
    rollupOptions: {
      input: {
        main: "sync-server/main.ts",
        "audit-verify": "sync-server/audit-verify-main.ts",
        "keys-rotate": "sync-server/keys-rotate-main.ts",
        verify: "sync-server/verify-main.ts",
        "sqlite-worker": "sync-server/storage/sqlite-worker.ts",
        "fold-worker": "sync-server/rooms/fold-worker.ts",
        "token-worker": "sync-server/runs/token-worker.ts",
      },
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "[name]-[hash].js",
        // Node reads the map at each start; files and lines are enough.
        sourcemapExcludeSources: true,
      },
    },
  },
});
