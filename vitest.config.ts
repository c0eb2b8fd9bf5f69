import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/target/**"],
    // GPU suites share two cores and one software adapter: more workers only fight for them
    maxWorkers: 2,
    pool: "forks",
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
