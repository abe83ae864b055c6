import { execFileSync } from "node:child_process";
import { getPriority } from "node:os";
import { expect, test } from "vitest";

const FILE = new URL("./answers-first.ts", import.meta.url).pathname;

test.runIf(process.platform === "linux")("helpers of V8 come after the thread that answers", () => {
  const program = `
    import { readdirSync, readFileSync } from "node:fs";
    import { getPriority } from "node:os";
    const { answersFirst } = await import(${JSON.stringify(FILE)});
    answersFirst();
    answersFirst();
    const niceOf = (name) => readdirSync("/proc/self/task")
      .filter((thread) => readFileSync("/proc/self/task/" + thread + "/comm", "utf8").startsWith(name))
      .map((thread) => getPriority(Number(thread)));
    console.log(JSON.stringify({ helpers: niceOf("V8Worker"), main: getPriority(process.pid) }));
  `;
  const args = ["--v8-pool-size=3", "--input-type=module", "--eval", program];
  const { helpers, main } = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
  expect(main).toBe(getPriority());
  expect(helpers).toEqual([1, 2, 3].map(() => Math.min(19, main + 10)));
});
