import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Finding } from "../../cli/explain/finding.ts";
import { type BreakageRow, breakageTable, withTable } from "./explain/breakage-table.ts";
import { ExplainWorld } from "./explain/explain-world.ts";
import { GLOBAL_BREAKAGES } from "./explain/global-breakages.ts";
import { LOCAL_BREAKAGES } from "./explain/local-breakages.ts";
import { runCli } from "./harness/run-cli.ts";

const BASE = "base/web";
const DOCUMENT = new URL("../../docs/explain.md", import.meta.url);
const rows: BreakageRow[] = [];
let world: ExplainWorld;

beforeAll(async () => {
  world = await ExplainWorld.start();
  const [a, b] = [world.member(0), world.member(1)];
  await world.namespace("base");
  await world.pods(a, BASE);
  await world.export(a, BASE);
  for (const { arrange } of LOCAL_BREAKAGES) await arrange(world, { a, b });
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

test("with nothing broken everything is tested, and right, in both clusters", async () => {
  for (const member of world.members) await world.named(member, BASE, undefined);
});

test("the command says so in every form, and its exit code too", async () => {
  const { kubeconfig, id, socksPort, processes } = world.member(1);
  const from = ["--kubeconfig", kubeconfig, "--context", id];
  const entry = ["--entry", `socks5://127.0.0.1:${socksPort}`];
  const all = [...from, ...entry, "--dns", `127.0.0.1:${processes.dnsPort}`];
  const name = "web.base.svc.clusterset.local";
  const right = await runCli(["explain", name, ...all, "-o", "yaml"], 60_000);
  const outside = await runCli(["explain", "web", "-n", "base", ...from, "-o", "json"], 60_000);
  const wrong = await runCli(["explain", "kept/web", ...all], 60_000);
  expect(right).toMatchObject({ code: 0, stderr: "" });
  expect(parse(right.stdout)).toMatchObject({ service: BASE, cluster: id, untested: 0 });
  // Nobody dials addresses of the cluster from outside of it, and what was not tried is not right.
  expect(outside.code).toBe(3);
  const { findings, untested } = JSON.parse(outside.stdout);
  expect(findings).toContainEqual(
    expect.objectContaining({ check: "packets", verdict: "not tested" }),
  );
  expect(untested).toBeGreaterThanOrEqual(2);
  expect(wrong.code).toBe(1);
  expect(wrong.stdout).toContain("the first thing that is wrong: export: no cluster is known");
});

describe("what is broken is named first", () => {
  test.each(LOCAL_BREAKAGES)("$broken", async ({ broken, from, service, to, check, says }) => {
    const member = world.member(from === "exporting" ? 0 : 1);
    const { firstWrong } = await world.named(member, service, { check, says }, to);
    if (firstWrong !== undefined) rows.push({ broken, from, finding: firstWrong });
    expect(firstWrong?.mend).toMatch(/\w/);
  });

  test.each(GLOBAL_BREAKAGES)("$broken", async ({ broken, check, says, ...breakage }) => {
    const [a, b] = [world.member(0), world.member(1)];
    const mend = await breakage.break(world, { a, b });
    let firstWrong: Finding | undefined;
    try {
      ({ firstWrong } = await world.named(b, BASE, { check, says }));
    } finally {
      await mend();
    }
    if (firstWrong !== undefined) rows.push({ broken, from: "importing", finding: firstWrong });
    expect(firstWrong?.mend).toMatch(/\w/);
  });

  test("docs/explain.md has the table of it (ISTHMUS_WRITE_DOCS=1 writes it anew)", () => {
    expect(rows).toHaveLength(LOCAL_BREAKAGES.length + GLOBAL_BREAKAGES.length);
    const before = readFileSync(DOCUMENT, "utf8");
    const after = withTable(before, breakageTable(rows));
    if (process.env["ISTHMUS_WRITE_DOCS"] === "1") writeFileSync(DOCUMENT, after);
    else expect(before).toBe(after);
  });
});
