import { defineConfig } from "vite";

// Dependencies stay external: Node loads them from node_modules.
export default defineConfig({
  publicDir: false,
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
        "sqlite-worker": "sync-server/storage/sqlite-worker.ts",
        "fold-worker": "sync-server/rooms/fold-worker.ts",
      },
      output: { entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js" },
    },
  },
});
