import { describe, expect, test } from "vitest";
import { commandLines, problemOf } from "./command-lines.ts";
import { markdownFiles } from "./markdown-files.ts";

test("every command line in the docs is one the program understands", async () => {
  const lines = markdownFiles().flatMap(({ path, text }) =>
    commandLines(text).map((line) => ({ path, line })),
  );
  expect(lines.length).toBeGreaterThan(100);
  const problems = await Promise.all(
    lines.map(async ({ path, line }) => {
      const problem = await problemOf(line);
      return problem === undefined ? [] : [`${path}: ${line.text}: ${problem}`];
    }),
  );
  expect(problems.flat()).toEqual([]);
  // It loads every verb, which takes long on a busy machine.
}, 120_000);

describe("what is wrong in a line is found", () => {
  test.each([
    { text: "isthmus fly", problem: "no verb fly" },
    { text: "isthmus dns --wings", problem: "isthmus dns has no option --wings" },
    { text: "isthmus install hub|nest --print", problem: "no verb install nest" },
    { text: "isthmus export -n shop", problem: "takes 1 arguments: got 0" },
    { text: "isthmus export web shop", problem: "takes 1 arguments: got 2" },
    { text: "isthmus dns --listen", problem: "--listen must have a value" },
  ])("$text", async ({ text, problem }) => {
    expect(await problemOf({ text, isWhole: true })).toBe(problem);
  });
});
