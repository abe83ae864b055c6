import { expect, test } from "vitest";
import { runProgram } from "./program.ts";

async function run(...argv: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const { signal } = new AbortController();
  const code = await runProgram(argv, {
    env: {},
    program: "",
    signal,
    onHangup: () => () => undefined,
    out: { line: (text) => void lines.push(text), problem: (text) => void lines.push(text) },
  });
  expect(code).toBe(0);
  return lines.join("\n");
}

test.each([
  { name: "separated by commas", flags: ["--allow-users", "alice,bob"] },
  { name: "given again and again", flags: ["--allow-users", "alice", "--allow-users", "bob"] },
])("values of a list $name are all taken", async ({ flags }) => {
  const text = await run("manifests", ...flags);
  expect(text).toContain("alice");
  expect(text).toContain("bob");
});

test("an empty value is an empty list", async () => {
  expect(await run("manifests", "--allow-users", "")).toBe(await run("manifests"));
});
