import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{client,sync-server,shared,tests}/**/*.test.{ts,tsx}"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // On a busy machine a second is nothing; what never comes to hold still fails.
    expect: { poll: { timeout: 15_000 } },
    pool: "forks",
    maxWorkers: 2,
  },
});
