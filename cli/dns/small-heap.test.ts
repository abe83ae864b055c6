import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

test("this Node knows the flags that keep the DNS server's heap small", () => {
  const options = execFileSync(process.execPath, ["--v8-options"], { encoding: "utf8" });
  // Set by isthmus.mjs and workers/worker-child.ts, and by small-heap.ts.
  for (const flag of [
    "max-semi-space-size",
    "heap-growing-percent",
    "allocation-site-pretenuring",
  ]) {
    expect(options).toContain(`--${flag} `);
  }
});
