import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { render } from "../../cli/install/render.ts";
import { CHARTS, valuesSchema, valuesText } from "../../install/chart-values.ts";
import { byName, CHARTS_FOLDER, helmOffline, templated } from "./chart-objects.ts";
import { runCommand } from "./kubectl-command.ts";

// The charts render what `isthmus install` applies, object by object. Needs helm, as .ci/run installs it.

const TOKEN = "isthmus-join.a.b.c.hub:8443";

const WATCHED = { monitors: true, alerts: true, dashboards: true };
const MEMBER = { clusterId: "east" };

describe.each([
  { chart: "isthmus-broker", part: "hub", values: {} },
  {
    chart: "isthmus-broker",
    part: "hub",
    values: {
      ...{ clusterset: "prod", replicas: 1, serviceType: "NodePort", nodePort: 30_443 },
      ...{ networkPolicy: false, serverNames: ["hub.example.com", "10.0.0.1"] },
      globalCidr: ["243.0.0.0/8"],
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
  { chart: "isthmus-broker", part: "hub", values: WATCHED },
  { chart: "isthmus", part: "member", values: MEMBER },
  { chart: "isthmus", part: "member", values: { ...MEMBER, ...WATCHED } },
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
      ...{ otlpEndpoint: "http://collector.example:4318" },
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
      ...{ proxyHttpProxy: "proxy:3128", proxyHttpProxySecret: "who", proxyClientNamespaces: true },
      proxyBufferMax: 64,
      ...{ otlpEndpoint: "http://collector.example:4318" },
    },
  },
  {
    chart: "isthmus",
    part: "member",
    values: { ...MEMBER, backends: ["proxy"], proxyServiceType: "None", networkPolicy: false },
  },
  {
    chart: "isthmus",
    part: "member",
    values: { ...MEMBER, autoExport: true, autoExportNamespaces: "team in (shop,bank)" },
  },
] as const)("$chart with $values", ({ chart, part, values }) => {
  test("renders what isthmus install applies, but for the namespace, which is helm's", async () => {
    const wanted = render(part, { ...values, namespace: "mesh" });
    if (!wanted.ok) throw new Error(wanted.error);
    const objects = wanted.value.filter(({ kind }) => kind !== "Namespace");
    expect(await templated(chart, values)).toEqual(byName(objects));
  });

  test("is clean to helm lint", async () => {
    const { code, out } = await helmOffline("lint", chart, values);
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
  const { code, out } = await helmOffline("template", chart, values);
  expect(code).not.toBe(0);
  expect(out).toMatch(want);
});

test.each([
  { chart: "isthmus", values: { ...MEMBER, backends: ["vxlan", "proxy"] } },
  { chart: "isthmus-broker", values: {} },
] as const)(
  "every container of $chart, its hook's too, asks for a share of the node",
  async ({ chart, values }) => {
    const objects = [...(await templated(chart, values, { hooks: true })).values()];
    const containers = objects.flatMap(({ spec }) => spec?.template?.spec?.containers ?? []);
    expect(containers.length).toBeGreaterThan(1);
    for (const { resources } of containers) {
      expect(resources).toEqual({
        requests: { cpu: "50m", memory: "128Mi" },
        limits: { memory: expect.stringMatching(/^\d+[MG]i$/) },
      });
    }
  },
);

test.each(["isthmus", "isthmus-broker"] as const)(
  "values of %s and their schema are those of the settings (npm run charts)",
  (chart) => {
    const read = (file: string): string => readFileSync(join(CHARTS_FOLDER, chart, file), "utf8");
    expect(read("values.yaml")).toBe(valuesText(CHARTS[chart]));
    expect(read("values.schema.json")).toBe(valuesSchema(CHARTS[chart]));
  },
);

test("definitions are in helm's folder for them: it adds what is missing and removes none (VER-07)", async () => {
  const { out } = await runCommand("helm", ["show", "crds", join(CHARTS_FOLDER, "isthmus")], {});
  expect(out).toContain("name: serviceimports.multicluster.x-k8s.io");
  expect([...(await templated("isthmus", MEMBER)).keys()].join()).not.toContain(
    "CustomResourceDefinition",
  );
});
