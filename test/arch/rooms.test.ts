import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { importsOf } from "./imports.ts";
import { sourceFiles } from "./source-files.ts";

/** What the rooms of processes, and those that they share, may import of `cli/` besides themselves and `cli/verb.ts`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  cluster: [],
  paths: [],
  tracing: [],
  process: ["cluster"],
  network: ["process"],
  membership: ["cluster", "output"],
  broker: ["cluster"],
  proxy: ["membership", "tracing"],
  "packet-test": ["cluster"],
  "ask-dns": ["cluster", "packet-test"],
  "cluster-dns": ["ask-dns", "cluster", "output"],
  controllers: ["auto-export", "cluster", "paths", "process", "tracing"],
  dns: ["cluster", "network", "packet-test", "paths", "process", "tracing"],
};

interface Import {
  readonly path: string;
  readonly from: string;
  readonly to: string;
}

/** From one room of the program to another; a room of `cli/` is its folder, "": none. */
const crossings: readonly Import[] = sourceFiles(["cli"])
  .filter(({ path }) => !path.includes(".test."))
  .flatMap(({ path, text }) =>
    importsOf(text)
      .filter((specifier) => specifier.startsWith("."))
      .map((specifier) => join(dirname(path), specifier))
      .filter((target) => target.startsWith("cli/"))
      .map((target) => ({ path, from: roomOf(path), to: roomOf(target) })),
  )
  .filter(({ from, to }) => from !== to);

function roomOf(path: string): string {
  const [, room = "", ...rest] = path.split("/");
  return rest.length === 0 ? "" : room;
}

test.each(Object.entries(MAY_IMPORT))(
  "cli/%s imports no room but those it says: what processes share knows none of them",
  (room, others) => {
    expect(crossings.some(({ from, to }) => from === room || to === room)).toBe(true);
    const wrong = crossings
      .filter(({ from, to }) => from === room && to !== "" && !others.includes(to))
      .map(({ path, to }) => `${path} imports cli/${to}`);
    expect(wrong).toEqual([]);
  },
);

test("a verb is imported by the table of verbs alone, which loads it when it is called", () => {
  const wrong = crossings
    .filter(({ path, to }) => to === "verbs" && path !== "cli/verb-table.ts")
    .map(({ path }) => path);
  expect(wrong).toEqual([]);
});
