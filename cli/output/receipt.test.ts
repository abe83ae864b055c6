import { expect, test } from "vitest";
import { parse } from "yaml";
import { err, ok } from "../../api/result.ts";
import { Receipt } from "./receipt.ts";
import type { OutputForm } from "./render.ts";

function run(form: OutputForm, use: (receipt: Receipt) => number) {
  const lines: string[] = [];
  const problems: string[] = [];
  const out = {
    line: (text: string) => void lines.push(text),
    problem: (text: string) => void problems.push(text),
  };
  return { code: use(new Receipt(form, out)), lines, problems };
}

const halfWay = (receipt: Receipt): number => {
  receipt.step({ what: "Service a/b", did: "applied" });
  receipt.step({ what: "east", did: "left" }, "east left: all of it");
  receipt.facts({ cluster: "east" }, "east joined");
  receipt.line("CoreDNS takes a while");
  return receipt.end(err("no more"));
};

test("people read each thing as it happens, and problems apart", () => {
  expect(run("table", halfWay)).toEqual({
    code: 1,
    lines: ["Service a/b: applied", "east left: all of it", "east joined", "CoreDNS takes a while"],
    problems: ["no more"],
  });
});

test.each([
  { form: "json" as const, read: (text: string): unknown => JSON.parse(text) },
  { form: "yaml" as const, read: (text: string): unknown => parse(text) },
])("programs get one document in $form, of what went wrong too", ({ form, read }) => {
  const { code, lines, problems } = run(form, halfWay);
  expect([code, problems]).toEqual([1, ["no more"]]);
  expect(lines.map(read)).toEqual([
    {
      ...{ done: false, cluster: "east" },
      steps: [
        { what: "Service a/b", did: "applied" },
        { what: "east", did: "left" },
      ],
      notes: ["CoreDNS takes a while"],
      problems: ["no more"],
    },
  ]);
  const { lines: nothing } = run(form, (receipt) => receipt.end(ok(undefined)));
  expect(nothing.map(read)).toEqual([{ done: true }]);
});
