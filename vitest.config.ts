import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "{api,runtime,broker,controllers,dns-server,connectivity,sandbox,cli}/**/*.test.ts",
            "test/{arch,conformance,controllers,fuzz,golden}/**/*.test.ts",
          ],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "system",
          include: ["test/{system,e2e,sim}/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
