import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { must } from "../../api/result.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { hubCrds, installCrds, migrateCrds, shippedCrds } from "../../cli/cluster/install-crds.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { callsIn } from "../permissions/calls.ts";
import { startApiServer, type TestApiServer } from "./api-server.ts";
import { type ChartName, helm, templated } from "./chart-objects.ts";
import { runCommand } from "./kubectl-command.ts";
import { runIsthmus } from "./run-isthmus.ts";
import {
  contentsOf,
  definitionOf,
  installDefinition,
  isOfOtherRelease,
} from "./server-contents.ts";

// helm itself against an API server. Hooks are not run there, since nothing runs pods: what the hook would run is run here.

const { signal } = new AbortController();
let server: TestApiServer;
let client: KubeClient;
beforeEach(async () => {
  server = await startApiServer();
  client = must(connectKube({ kubeconfig: server.kubeconfig }, {}, silentMeter)).client;
});
afterEach(() => server[Symbol.asyncDispose]());

async function release(
  verb: "install" | "upgrade",
  chart: ChartName,
  values: object,
): Promise<string> {
  const where = ["--namespace", "mesh", "--kubeconfig", server.kubeconfig, "--no-hooks"];
  const create = verb === "install" ? ["--create-namespace"] : [];
  const done = await helm([verb, "it"], chart, values, [...where, ...create]);
  expect(done).toMatchObject({ code: 0 });
  return done.out;
}

const MEMBER = { clusterId: "east" };

describe.each([
  {
    chart: "isthmus",
    first: { ...MEMBER, backends: ["vxlan", "proxy"], joinToken: "isthmus-join.a.b.c.hub:8443" },
    next: { ...MEMBER, dnsReplicas: 3 },
    crds: shippedCrds(),
    notes: ["isthmus wire-dns --apply --namespace mesh", "isthmus status --wait"],
  },
  {
    chart: "isthmus-broker",
    first: { replicas: 3 },
    next: { replicas: 1 },
    crds: hubCrds(),
    notes: ["isthmus token create --store kubernetes --store-namespace mesh"],
  },
] as const)("$chart", ({ chart, first, next, crds, notes }) => {
  test("installed, upgraded and uninstalled leaves what was there before, and the definitions (VER-07)", async () => {
    const said = await release("install", chart, { ...first });
    for (const line of notes) expect(said).toContain(line);
    const namespace = "Namespace /mesh";
    await release("upgrade", chart, { ...next });
    const upgraded = await contentsOf(client);
    const wanted = [...(await templated(chart, next)).keys()].toSorted();
    const ours = [...upgraded.keys()]
      .filter((name) => name !== namespace && !name.includes("sh.helm.release"))
      .filter((name) => !isServers(name))
      .map((name) => name.replace(/ .*\//, " "));
    expect(ours.toSorted()).toEqual(wanted);
    const uninstall = ["uninstall", "it", "-n", "mesh", "--kubeconfig", server.kubeconfig];
    const gone = await runCommand("helm", uninstall, {});
    expect(gone).toMatchObject({ code: 0 });
    const after = [...(await contentsOf(client)).keys()].filter((name) => !isServers(name));
    expect(after).toEqual([namespace]);
    for (const { metadata } of crds) await definitionOf(client, metadata.name);
  });

  test("its hook brings older definitions to this release, and asks for no more than its role grants (VER-06, VER-07)", async () => {
    const [older, newer] = crds.filter(({ spec }) => spec.group.endsWith("isthmus.dev"));
    if (older === undefined) throw new Error("a definition");
    await installDefinition(client, older, "v0.0.1");
    if (newer !== undefined) await installDefinition(client, newer, "v99.0.0");
    await release("install", chart, { ...next });
    // helm adds those that are missing and never looks again.
    expect(isOfOtherRelease(await definitionOf(client, older.metadata.name))).toBe(true);
    const meter = new PrometheusMeter();
    const recorded = must(connectKube({ kubeconfig: server.kubeconfig }, {}, meter)).client;
    must(await installCrds(recorded, systemClock, signal, crds));
    must(await migrateCrds(recorded, systemClock, signal, crds));
    const calls = callsIn(await meter.text());
    const objects = await templated(chart, next, { hooks: true });
    const job = objects.get(`Job ${chart}-crds`);
    const [container] = job?.spec?.template?.spec?.containers ?? [];
    const argv = [...(container?.args ?? []), "--kubeconfig", server.kubeconfig];
    expect(await runIsthmus(argv, signal)).toMatchObject({ code: 0, problems: [] });
    expect(isOfOtherRelease(await definitionOf(client, older.metadata.name))).toBe(false);
    if (newer !== undefined) {
      expect(isOfOtherRelease(await definitionOf(client, newer.metadata.name))).toBe(true);
    }
    expect(calls.size).toBeGreaterThan(1);
    expect((await contentsOf(client)).has("Namespace /isthmus-system")).toBe(false);
    const may = objects.get(`ClusterRole ${chart}-crds`)?.rules ?? [];
    for (const call of calls) {
      const [verb = "", resource = ""] = call.split(" ");
      const granted = may.some(
        (rule) =>
          rule.verbs.includes(verb) &&
          rule.resources.some((one) => qualified(one, rule.apiGroups[0] ?? "") === resource),
      );
      expect({ call, granted }).toEqual({ call, granted: true });
    }
  });

  test("without the hook there is none", async () => {
    const all = await templated(chart, { ...next, upgradeCrds: false }, { hooks: true });
    expect([...all.keys()].join()).not.toContain("-crds");
  });
});

/** What every cluster has. */
function isServers(name: string): boolean {
  return /^(Namespace \/(default|kube-)|Service default\/kubernetes|ConfigMap .*kube-root-ca|ServiceAccount .*\/default|EndpointSlice default\/)/.test(
    name,
  );
}

function qualified(resource: string, group: string): string {
  const [plural = "", subresource] = resource.split("/");
  return `${plural}.${group}${subresource === undefined ? "" : `/${subresource}`}`;
}
