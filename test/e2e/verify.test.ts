import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import type { Measurement } from "../../cli/benchmark/measurement.ts";
import type { Check } from "../../cli/verify/check.ts";
import { mergeKubeconfigs } from "../../sandbox/demo/merge-kubeconfigs.ts";
import { E2eClusterset, runsOnEmbedded } from "./harness/e2e-clusterset.ts";
import { type CliOutcome, runCli } from "./harness/run-cli.ts";

let set: E2eClusterset;
/** One file with a context for each cluster, as a person has it. */
let where: readonly string[];
let contexts: readonly string[];
beforeAll(async () => {
  set = await E2eClusterset.start(2);
  contexts = set.members.map(({ context }) => context);
  where = ["--kubeconfig", kubeconfig(), "--contexts", contexts.join(",")];
});
afterAll(async () => {
  await set?.stop();
});

function kubeconfig(): string {
  const files = [...new Set(set.members.map((member) => member.kubeconfig))];
  const file = join(set.directory, "all.yaml");
  writeFileSync(file, mergeKubeconfigs(files.map((one) => readFileSync(one, "utf8"))), {
    mode: 0o600,
  });
  return file;
}

async function verify(...argv: readonly string[]): Promise<CliOutcome> {
  return runCli(["verify", ...where, ...argv], 120_000);
}

function checksIn({ stdout }: CliOutcome): readonly Check[] {
  return (JSON.parse(stdout) as { checks: readonly Check[] }).checks;
}

async function leftovers(): Promise<readonly string[]> {
  const found = await Promise.all(
    set.clusters.map(async ({ kube }) => {
      const listed = await kube.list<KubeObject>(NAMESPACES, {}, { signal: set.signal });
      return listed.ok ? listed.value.items.map(({ metadata }) => metadata.name) : ["?"];
    }),
  );
  return found.flat().filter((name) => /^isthmus-(verify|benchmark)/.test(name));
}

/** Existing clusters are entered by nobody: what needs pods is not looked at there. */
test.skipIf(!runsOnEmbedded())(
  "the whole way, both ways, and nothing is left; what cannot be looked at is not tested, never passed",
  async () => {
    const [one, two] = [set.cluster(0), set.cluster(1)];
    const servers = [one, two].map(({ id, processes }) => `${id}=127.0.0.1:${processes.dnsPort}`);
    const outcome = await verify(
      ...["--entry", `${two.id}=127.0.0.1:${two.socksPort}`],
      ...["--dns-server", servers.join(","), "--output", "json"],
    );
    const checks = checksIn(outcome);
    const seen = (from: string, at: string): readonly string[] =>
      checks
        .filter((check) => check.from === from && check.at === at)
        .map(({ check, result }) => `${check}: ${result}`);
    const before = ["service is imported: passed", "endpoints: passed", "name: passed"];
    const after = ["end of export: passed", "clean: passed"];
    expect(seen(one.id, two.id)).toEqual([...before, "request: passed", ...after]);
    expect(seen(two.id, one.id)).toEqual([...before, "request: not tested", ...after]);
    expect(seen(one.id, one.id)).toEqual(["export is valid: passed", "clean: passed"]);
    expect(outcome.code).toBe(0);
    expect(await leftovers()).toEqual([]);
  },
  120_000,
);

test.skipIf(!runsOnEmbedded())(
  "benchmark measures all there is between two clusters, and nothing is left",
  async () => {
    const [one, two] = [set.cluster(0), set.cluster(1)];
    const outcome = await runCli(
      [
        ...["benchmark", ...where, "--rounds", "2", "--duration", "500ms", "--megabytes", "1"],
        ...["--entry", `${two.id}=127.0.0.1:${two.socksPort}`],
        ...["--dns-server", `${two.id}=127.0.0.1:${two.processes.dnsPort}`, "--output", "json"],
      ],
      120_000,
    );
    const { measurements } = JSON.parse(outcome.stdout) as { measurements: readonly Measurement[] };
    expect(
      measurements.map(({ from, at, measure, result }) => [from, at, measure, result]),
    ).toEqual(
      ["propagation", "dns", "request", "throughput"].map((measure) => [
        ...[one.id, two.id, measure, "measured"],
      ]),
    );
    const [propagation, , , throughput] = measurements;
    expect(propagation?.summary).toMatchObject({ count: 2, failed: 0 });
    expect(propagation?.summary?.p50Ms).toBeGreaterThan(0);
    expect(throughput?.megabitsPerSecond).toBeGreaterThan(0);
    expect(outcome.code).toBe(0);
    expect(await leftovers()).toEqual([]);
  },
  120_000,
);

test("a cluster whose controllers are away fails, by name, and is cleaned all the same", async () => {
  const [, second] = set.processes.members;
  await second?.controllers.stop();
  try {
    const outcome = await verify("--timeout", "1s");
    expect(outcome.code).toBe(1);
    const id = set.cluster(1).id;
    expect(outcome.stdout).toMatch(
      new RegExp(`${set.cluster(0).id} +${id} +service is imported +failed +no ServiceImport`),
    );
    expect(outcome.stdout).toMatch(/\d+ passed, [1-9]\d* failed, \d+ not tested/);
    expect(await leftovers()).toEqual([]);
  } finally {
    second?.controllers.start();
    await set.ready();
  }
}, 120_000);
