import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CONFIG_MAPS, type ConfigMap } from "../../api/kube/config-map.ts";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import { SERVICES, type Service } from "../../api/kube/service.ts";
import { must } from "../../api/result.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { writeEdit } from "../../cli/cluster-dns/write-edit.ts";
import { K3S, KUBEADM, NODE_CACHE } from "../../install/cluster-dns/corefiles.fixture.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { resourceOf } from "../../runtime/kube/policy/apply-manifests.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { startApiServer, type TestApiServer } from "./api-server.ts";
import { type Outcome, runIsthmus } from "./run-isthmus.ts";

const { signal } = new AbortController();
let server: TestApiServer;
let client: KubeClient;
beforeEach(async () => {
  server = await startApiServer();
  client = must(connectKube({ kubeconfig: server.kubeconfig }, {}, silentMeter)).client;
  const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: "kube-system" } };
  await client.create(NAMESPACES, object, { signal });
});
afterEach(() => server[Symbol.asyncDispose]());

function isthmus(...argv: readonly string[]): Promise<Outcome> {
  return runIsthmus([...argv, "--kubeconfig", server.kubeconfig], signal);
}
const install = (...more: readonly string[]): Promise<Outcome> =>
  isthmus(...["install", "member", "--cluster-id", "east", "isthmus-join.a.b.c.hub:8443"], ...more);
const done = { code: 0, problems: [] };

async function put(name: string, data: Readonly<Record<string, string>>): Promise<void> {
  const metadata = { namespace: "kube-system", name };
  const object: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata, data };
  must(await client.create(CONFIG_MAPS, object, { signal }));
}

async function dataOf(name: string): Promise<ConfigMap["data"]> {
  const target = { resource: CONFIG_MAPS, namespace: "kube-system", name };
  const got = await client.get<ConfigMap>(target, { signal });
  return got.ok ? (got.value.data ?? {}) : undefined;
}

async function addressOfDns(): Promise<string> {
  const target = { resource: SERVICES, namespace: "isthmus-system", name: "isthmus-dns" };
  return must(await client.get<Service>(target, { signal })).spec.clusterIP ?? "";
}

const MAPS = ["coredns", "coredns-custom", "kube-dns", "node-local-dns"] as const;
async function allData(): Promise<unknown> {
  return Object.fromEntries(
    await Promise.all(MAPS.map(async (name) => [name, await dataOf(name)])),
  );
}

async function runKubeDns(): Promise<void> {
  const metadata = { namespace: "kube-system", name: "kube-dns" };
  const object = { apiVersion: "apps/v1", kind: "Deployment", metadata };
  const labels = { "k8s-app": "kube-dns" };
  const template = {
    metadata: { labels },
    spec: { containers: [{ name: "dns", image: "kube-dns" }] },
  };
  const spec = { selector: { matchLabels: labels }, template };
  must(await client.create(resourceOf(object), { ...object, spec }, { signal }));
}

describe("an install wires the cluster's DNS, and an uninstall gives it back", () => {
  test.each([
    ["CoreDNS", { coredns: { Corefile: KUBEADM } }, "coredns", "Corefile"],
    ["k3s", { coredns: { Corefile: K3S } }, "coredns-custom", "isthmus.server"],
    [
      "k3s with files of its admin",
      { coredns: { Corefile: K3S }, "coredns-custom": { "a.server": "a.b {\n}\n" } },
      "coredns-custom",
      "isthmus.server",
    ],
    [
      "a node's cache",
      { coredns: { Corefile: KUBEADM }, "node-local-dns": { Corefile: NODE_CACHE } },
      "node-local-dns",
      "Corefile",
    ],
    [
      "kube-dns",
      { "kube-dns": { stubDomains: '{"a.b": ["1.1.1.1"]}' } },
      "kube-dns",
      "stubDomains",
    ],
  ] as const)("%s", async (name, maps, changed, key) => {
    if (name === "kube-dns") await runKubeDns();
    for (const [map, data] of Object.entries(maps)) await put(map, data);
    const before = await allData();
    expect(await install("--apply")).toMatchObject(done);
    const once = await allData();
    expect((await dataOf(changed))?.[key]).toContain(await addressOfDns());
    expect(await install("--apply")).toMatchObject(done);
    expect(await allData()).toEqual(once);
    const backup = {
      resource: CONFIG_MAPS,
      namespace: "isthmus-system",
      name: "isthmus-dns-backup",
    };
    expect(await client.get(backup, { signal })).toMatchObject({ ok: true });
    const { code, lines } = await isthmus("uninstall", "member", "--local-only");
    expect({ code, lines: lines.join("\n") }).toMatchObject({
      code: 0,
      lines: expect.stringContaining(`${changed}, key ${key}: as it was before`),
    });
    expect(await allData()).toEqual(before);
  });
});

test("what others wrote since stays", async () => {
  await put("coredns", { Corefile: KUBEADM });
  expect(await install("--apply")).toMatchObject(done);
  const wired = (await dataOf("coredns"))?.["Corefile"] ?? "";
  const target = { resource: CONFIG_MAPS, namespace: "kube-system", name: "coredns" };
  const data = { Corefile: `${wired}x.local {\n}\n`, more: "1" };
  must(await client.mergePatch(target, { data }, { signal }));
  const restored = await isthmus("wire-dns", "--restore");
  expect(restored).toMatchObject(done);
  expect(restored.lines).toEqual([
    "ConfigMap kube-system/coredns, key Corefile: ours removed, what others changed since stays",
  ]);
  expect(await dataOf("coredns")).toEqual({ Corefile: `${KUBEADM}x.local {\n}\n`, more: "1" });
  expect(await isthmus("wire-dns", "--restore")).toMatchObject(done);
});

test("a write over what somebody else wrote meanwhile is refused, and decided anew", async () => {
  await put("coredns", { Corefile: KUBEADM });
  const edit = { configMap: "coredns", key: "Corefile", before: KUBEADM, after: "x" } as const;
  const deps = { client, signal, dropMap: false };
  expect(await writeEdit(edit, { versions: { coredns: "1" } }, deps)).toBe("stale");
  expect(await writeEdit(edit, { versions: {} }, deps)).toBe("stale");
  expect(await writeEdit(edit, { versions: { coredns: "1" } }, { ...deps, dropMap: true })).toBe(
    "stale",
  );
  expect(await dataOf("coredns")).toEqual({ Corefile: KUBEADM });
});

test("nobody's DNS: the install says what is to be done, and is done", async () => {
  const { code, lines, problems } = await install("--apply");
  expect({ code, problems }).toEqual({ code: 0, problems: [] });
  expect(lines.slice(-2)).toEqual([
    `no CoreDNS and no kube-dns was found in kube-system: have the cluster's DNS send clusterset.local to ${await addressOfDns()}`,
    "not waited for: this cluster has no nodes yet, so no pod runs",
  ]);
});

test("somebody else's server of the zone: the install says so and leaves DNS as it is", async () => {
  const Corefile = `${KUBEADM}clusterset.local:53 {\n    forward . 10.9.9.9\n}\n`;
  await put("coredns", { Corefile });
  const { code, problems } = await install("--apply");
  expect({ code, problems }).toMatchObject({
    code: 1,
    problems: [
      expect.stringContaining("line 24 serves clusterset.local already"),
      expect.stringContaining("the same line again is safe"),
    ],
  });
  expect(await dataOf("coredns")).toEqual({ Corefile });
  expect(await isthmus("uninstall", "member", "--local-only")).toMatchObject(done);
  expect(await dataOf("coredns")).toEqual({ Corefile });
});

test("--no-wire-dns and --no-dns leave DNS alone; --print shows what --apply would do", async () => {
  await put("coredns", { Corefile: KUBEADM });
  expect(await install("--apply", "--no-dns")).toMatchObject(done);
  expect(await isthmus("wire-dns", "--apply")).toMatchObject({
    code: 1,
    problems: [expect.stringContaining("no address to send the zone to")],
  });
  expect(await install("--apply", "--no-wire-dns")).toMatchObject(done);
  expect(await dataOf("coredns")).toEqual({ Corefile: KUBEADM });
  const printed = await isthmus("wire-dns", "--print");
  expect(printed.lines.join("\n")).toContain("name: coredns\n");
  expect(await dataOf("coredns")).toEqual({ Corefile: KUBEADM });
  expect(await isthmus("wire-dns", "--apply")).toMatchObject(done);
  expect(printed.lines.join("\n")).toContain(`forward . ${await addressOfDns()}`);
  expect((await dataOf("coredns"))?.["Corefile"]).toContain(`forward . ${await addressOfDns()}`);
  expect(await isthmus("wire-dns")).toMatchObject({ code: 2 });
});
