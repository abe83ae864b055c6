import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/longest-first.ts";

/** What is polled for comes at once, unless the machine is elsewhere; vitest would give it a second. */
const PATIENT = { poll: { timeout: 15_000 } };

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "{api,runtime,broker,controllers,dns-server,connectivity,sandbox,install,cli}/**/*.test.ts",
            "test/{arch,conformance,controllers,fuzz,golden,permissions}/**/*.test.ts",
          ],
          testTimeout: 60_000,
          expect: PATIENT,
          // They compute and hardly wait. One process runs many files and loads modules once: half of the time went into
          // processes and imports, file by file. So no test may leave anything behind in its process.
          isolate: false,
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "system",
          include: ["test/{system,e2e,sim}/**/*.test.ts"],
          testTimeout: 120_000,
          expect: PATIENT,
          hookTimeout: 120_000,
          // They wait for processes almost as much as they compute, so one more than cores. On existing clusters one file at a
          // time: all have the same ones, and the end of one file removes the service accounts of another.
          maxWorkers:
            process.env["ISTHMUS_E2E_KUBECONFIG"] === undefined ? availableParallelism() + 1 : 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // In network namespaces, by `npm run test:net`: it needs root.
        test: {
          name: "net",
          include: ["test/net/**/*.net.test.ts"],
          testTimeout: 240_000,
          expect: PATIENT,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
