import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import type { KubeObject } from "../../api/kube/object.ts";
import { render } from "../../cli/install/render.ts";
import { CHARTS, valuesSchema, valuesText } from "../../install/chart-values.ts";
import { type Outcome, runCommand } from "./kubectl-command.ts";

// The charts render what `isthmus install` applies, object by object. Needs helm, as .ci/run installs it.

const charts = new URL("../../charts/", import.meta.url).pathname;
const TOKEN = "isthmus-join.a.b.c.hub:8443";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "isthmus-charts-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function helm(
  verb: "template" | "lint",
  chart: keyof typeof CHARTS,
  values: object,
): Promise<Outcome> {
  const file = join(folder, "values.yaml");
  await writeFile(file, stringify(values));
  const release = verb === "template" ? ["it", "--namespace", "mesh"] : [];
  // A helm that was built by `go install` takes itself to be of Kubernetes 1.20.
  const args = [
    verb,
    ...release,
    join(charts, chart),
    "--values",
    file,
    "--kube-version",
    "1.34.0",
  ];
  return runCommand("helm", args, {});
}

/** Those of helm, by kind and name. What it says of links comes first, on standard error. */
async function templated(
  chart: keyof typeof CHARTS,
  values: object,
): Promise<ReadonlyMap<string, unknown>> {
  const { code, out } = await helm("template", chart, values);
  expect({ code, out: code === 0 ? "" : out }).toEqual({ code: 0, out: "" });
  const yaml = out
    .split("\n")
    .filter((line) => !line.startsWith("walk.go"))
    .join("\n");
  return byName(
    parseAllDocuments(yaml)
      .map((document) => document.toJS() as KubeObject | null)
      .filter((object) => object !== null),
  );
}

function byName(objects: readonly KubeObject[]): ReadonlyMap<string, unknown> {
  const entries = objects.map((one) => [`${one.kind} ${one.metadata.name}`, one] as const);
  const map = new Map(entries);
  expect(map.size).toBe(objects.length);
  return map;
}

const MEMBER = { clusterId: "east" };

describe.each([
  { chart: "isthmus-broker", part: "hub", values: {} },
  {
    chart: "isthmus-broker",
    part: "hub",
    values: {
      ...{ clusterset: "prod", replicas: 1, serviceType: "NodePort", nodePort: 30_443 },
      ...{ networkPolicy: false, serverNames: ["hub.example.com", "10.0.0.1"] },
      ...{ certificateLife: "48h", policyConfigMap: "limits", logLevel: "debug" },
      ...{ image: "registry.example.com:5000/isthmus@sha256:0", imagePullPolicy: "Always" },
    },
  },
  {
    chart: "isthmus-broker",
    part: "hub",
    values: {
      store: "etcd",
      etcdEndpoints: ["https://a:2379", "https://b:2379"],
      etcdSecret: "etcd-client",
      memoryLimit: "2Gi",
    },
  },
  {
    chart: "isthmus-broker",
    part: "hub",
    values: { store: "etcd", etcdEndpoints: ["http://a:2379"] },
  },
  { chart: "isthmus", part: "member", values: MEMBER },
  {
    chart: "isthmus",
    part: "member",
    values: {
      ...MEMBER,
      ...{ joinToken: TOKEN, controllersReplicas: 1, dnsReplicas: 3, dnsAddress: "10.96.0.11" },
      ...{ brokers: ["b:8443", "c:8443"], cidrs: ["10.1.0.0/16", "fd00::/64"] },
      ...{ allowUsers: ['a"b', "it's <me> & you"], controllersMemoryLimit: "512Mi" },
    },
  },
  { chart: "isthmus", part: "member", values: { ...MEMBER, dns: false, networkPolicy: false } },
  {
    chart: "isthmus",
    part: "member",
    values: { ...MEMBER, backends: ["underlay", "vxlan", "proxy"], encryption: "wireguard" },
  },
  {
    chart: "isthmus",
    part: "member",
    values: {
      ...MEMBER,
      ...{ backends: ["vxlan"], gatewayNodes: "labelled", cleanNodes: true, controllers: false },
      ...{ gatewayMemoryLimit: "1Gi", netImage: "registry.example.com:5000/net@sha256:1" },
    },
  },
  {
    chart: "isthmus",
    part: "member",
    values: {
      ...MEMBER,
      ...{ backends: ["vxlan", "proxy"], gateway: false, nodeAgent: false, proxy: false },
      ...{ pin: ["west=proxy"], serviceCidrs: ["10.96.0.0/12"] },
      ...{ globalPrefix: ["10.1.0.0/16=242.1.0.0/16"] },
    },
  },
  {
    chart: "isthmus",
    part: "member",
    values: {
      ...MEMBER,
      ...{ gateway: true, nodeAgent: true, proxy: true, brokers: ["b:8443"] },
      ...{ proxyReplicas: 1, proxyServiceType: "NodePort", proxyNodePort: 30_743 },
      ...{ proxyAdvertise: ["a.example.com:30743"], proxyRelayFor: ["*"] },
      ...{ proxyHttpProxy: "proxy:3128", proxyClientNamespaces: true, proxyBufferMax: 64 },
    },
  },
  {
    chart: "isthmus",
    part: "member",
    values: { ...MEMBER, backends: ["proxy"], proxyServiceType: "None", networkPolicy: false },
  },
] as const)("$chart with $values", ({ chart, part, values }) => {
  test("renders what isthmus install applies, but for the namespace, which is helm's", async () => {
    const wanted = render(part, { ...values, namespace: "mesh" });
    if (!wanted.ok) throw new Error(wanted.error);
    const objects = wanted.value.filter(({ kind }) => kind !== "Namespace");
    expect(await templated(chart, values)).toEqual(byName(objects));
  });

  test("is clean to helm lint", async () => {
    const { code, out } = await helm("lint", chart, values);
    expect({ code, out }).toMatchObject({ code: 0 });
    expect(out).toContain("0 chart(s) failed");
    expect(out).not.toMatch(/\[(WARNING|ERROR)\]/);
  });
});

test.each([
  { chart: "isthmus", values: {}, want: /clusterId/ },
  { chart: "isthmus", values: { clusterId: "Bad_" }, want: /clusterId/ },
  { chart: "isthmus", values: { ...MEMBER, dnsReplicas: 0 }, want: /dnsReplicas/ },
  { chart: "isthmus", values: { ...MEMBER, dnsReplica: 3 }, want: /dnsReplica/ },
  { chart: "isthmus", values: { ...MEMBER, joinToken: "secret" }, want: /joinToken/ },
  { chart: "isthmus", values: { ...MEMBER, backends: ["carrier-pigeon"] }, want: /backends/ },
  { chart: "isthmus", values: { ...MEMBER, gateway: "maybe" }, want: /gateway/ },
  { chart: "isthmus-broker", values: { serviceType: "None" }, want: /serviceType/ },
  { chart: "isthmus-broker", values: { nodePort: 70_000 }, want: /nodePort/ },
] as const)("$chart refuses $values", async ({ chart, values, want }) => {
  const { code, out } = await helm("template", chart, values);
  expect(code).not.toBe(0);
  expect(out).toMatch(want);
});

test.each(["isthmus", "isthmus-broker"] as const)(
  "values of %s and their schema are those of the settings (npm run charts)",
  (chart) => {
    const read = (file: string): string => readFileSync(join(charts, chart, file), "utf8");
    expect(read("values.yaml")).toBe(valuesText(CHARTS[chart]));
    expect(read("values.schema.json")).toBe(valuesSchema(CHARTS[chart]));
  },
);

test("definitions are in helm's folder for them: it adds what is missing and removes none (VER-07)", async () => {
  const { out } = await runCommand("helm", ["show", "crds", join(charts, "isthmus")], {});
  expect(out).toContain("name: serviceimports.multicluster.x-k8s.io");
  expect([...(await templated("isthmus", MEMBER)).keys()].join()).not.toContain(
    "CustomResourceDefinition",
  );
});
