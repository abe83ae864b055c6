import { describe, expect, test } from "vitest";
import { folders, namesOfNothing, problemOf } from "./readmes.ts";
import { ROOT } from "./source-files.ts";

test("each folder has a README, its own or its parent's, that names its files", () => {
  const all = folders(ROOT);
  expect(all.length).toBeGreaterThan(100);
  expect(all.flatMap((folder) => problemOf(folder) ?? [])).toEqual([]);
});

test("a file that a README names exists", () => {
  const all = folders(ROOT);
  const known = new Set(all.flatMap(({ files }) => files));
  const wrong = all
    .filter(({ hasReadme }) => hasReadme)
    .flatMap(({ path, readme }) => namesOfNothing(readme, known).map((name) => `${path}: ${name}`));
  expect(wrong).toEqual([]);
  expect(namesOfNothing("`a.ts`, `b/gone.ts` and `c.md`", new Set(["a.ts"]))).toEqual([
    "b/gone.ts",
  ]);
});

describe("what a README does not say is found", () => {
  test.each([
    {
      name: "three files and no README of its own",
      folder: { files: ["a.ts", "b.ts", "b.test.ts"], readme: "`a.ts`, `b.ts`", hasReadme: false },
      problem: "api/one has 3 files and no README.md",
    },
    {
      name: "two files that the README above does not name",
      folder: { files: ["a.ts", "b.ts"], readme: "`one/`: `a.ts`", hasReadme: false },
      problem: "api/one: no README names b.ts",
    },
    {
      name: "data in a folder that nobody names",
      folder: { files: ["1.txt", "2.txt", "3.txt"], readme: "`another/`", hasReadme: false },
      problem: "api/one: no README above names one",
    },
    {
      name: "a part of another file's name, and a pattern that says no more than code",
      folder: {
        files: ["own.ts", "x.test.ts"],
        readme: "`my-own.ts`, `*.test.ts`",
        hasReadme: true,
      },
      problem: "api/one: no README names own.ts, x.test.ts",
    },
  ])("$name", ({ folder, problem }) => {
    expect(problemOf({ path: "api/one", ...folder })).toBe(problem);
  });

  test("and what it says is enough: names, patterns, and tests beside what they test", () => {
    const files = ["a.ts", "a.test.ts", "kube-x.ts", "kube-y.test.ts", "1.jsonl"];
    const readme = "`a.ts`, `kube-*.ts`, `*.jsonl`";
    expect(problemOf({ path: "api/one", files, readme, hasReadme: true })).toBeUndefined();
  });
});
