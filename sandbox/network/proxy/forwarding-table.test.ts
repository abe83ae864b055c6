import { describe, expect, test } from "vitest";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { Service } from "../../../api/kube/service.ts";
import { aService, aSlice } from "../../node/testing/builders.ts";
import { deriveForwardingTable, forwardingKey } from "./forwarding-table.ts";

const NODE = { nodeName: "node-1" };
const HTTP = forwardingKey("10.96.0.10", "TCP", 80);

/** The endpoints behind a key, as `ip:port`; undefined when nothing is forwarded there. */
function endpointsAt(
  key: string,
  services: readonly Service[],
  slices: readonly EndpointSlice[],
): readonly string[] | undefined {
  const port = deriveForwardingTable(services, slices, NODE).ports.get(key);
  return port?.endpoints.map(({ ip, port }) => `${ip}:${port}`);
}

const at = (
  ip: string,
  conditions = {},
  more = {},
): NonNullable<EndpointSlice["endpoints"]>[number] => ({
  addresses: [ip],
  conditions,
  ...more,
});
const A = at("10.1.0.1");
const draining = { ready: false, serving: true, terminating: true };

describe("which endpoints serve a port", () => {
  test.each<{
    name: string;
    spec?: Service["spec"];
    slices: readonly EndpointSlice[];
    want: readonly string[] | undefined;
  }>([
    {
      name: "the number comes from the slice, not from targetPort",
      spec: { ports: [{ port: 80, targetPort: 1234 }] },
      slices: [aSlice({ endpoints: [A] })],
      want: ["10.1.0.1:8080"],
    },
    {
      name: "endpoints of several slices together, each once",
      slices: [
        aSlice({ endpoints: [A, at("10.1.0.2")] }),
        aSlice({ endpoints: [at("10.1.0.2"), at("10.1.0.3")] }),
      ],
      want: ["10.1.0.1:8080", "10.1.0.2:8080", "10.1.0.3:8080"],
    },
    {
      name: "only the first of an endpoint's addresses",
      slices: [aSlice({ endpoints: [{ addresses: ["10.1.0.1", "10.1.0.2"] }] })],
      want: ["10.1.0.1:8080"],
    },
    {
      name: "not ready is out",
      slices: [aSlice({ endpoints: [A, at("10.1.0.2", { ready: false })] })],
      want: ["10.1.0.1:8080"],
    },
    {
      name: "absent readiness is ready",
      slices: [aSlice({ endpoints: [{ addresses: ["10.1.0.9"] }] })],
      want: ["10.1.0.9:8080"],
    },
    {
      name: "with none ready, those that terminate but serve (KEP-1669)",
      slices: [
        aSlice({
          endpoints: [at("10.1.0.1", draining), at("10.1.0.2", { ready: false, serving: true })],
        }),
      ],
      want: ["10.1.0.1:8080"],
    },
    {
      name: "with one ready, the terminating are out",
      slices: [aSlice({ endpoints: [at("10.1.0.1", draining), at("10.1.0.2")] })],
      want: ["10.1.0.2:8080"],
    },
    {
      name: "terminating and no longer serving is out",
      slices: [aSlice({ endpoints: [at("10.1.0.1", { ...draining, serving: false })] })],
      want: [],
    },
    {
      name: "the port name must match",
      spec: { ports: [{ name: "web", port: 80 }] },
      slices: [
        aSlice({ endpoints: [A], ports: [{ name: "web", protocol: "TCP", port: 1 }] }),
        aSlice({
          endpoints: [at("10.1.0.2")],
          ports: [{ name: "admin", protocol: "TCP", port: 2 }],
        }),
      ],
      want: ["10.1.0.1:1"],
    },
    {
      name: "the protocol must match, absent being TCP",
      slices: [
        aSlice({ endpoints: [A], ports: [{ name: "", protocol: "UDP", port: 1 }] }),
        aSlice({ endpoints: [at("10.1.0.2")], ports: [{ port: 2 }] }),
      ],
      want: ["10.1.0.2:2"],
    },
    {
      name: "one name, different numbers in different slices",
      slices: [
        aSlice({ endpoints: [A], ports: [{ name: "", port: 1 }] }),
        aSlice({ endpoints: [at("10.1.0.2")], ports: [{ name: "", port: 2 }] }),
      ],
      want: ["10.1.0.1:1", "10.1.0.2:2"],
    },
    {
      name: "a port without a number serves nobody",
      slices: [aSlice({ endpoints: [A], ports: [{ name: "" }] })],
      want: [],
    },
    {
      name: "null endpoints and ports",
      slices: [aSlice({ endpoints: null, ports: null })],
      want: [],
    },
    {
      name: "the other family's slice is not used",
      slices: [aSlice({ addressType: "IPv6", endpoints: [at("fd00::1")] })],
      want: [],
    },
    {
      name: "another namespace's slice is not used",
      slices: [aSlice({ endpoints: [A] }, { namespace: "other" })],
      want: [],
    },
    {
      name: "a slice labelled headless is ignored (EPS-15)",
      slices: [
        aSlice(
          { endpoints: [A] },
          { labels: { "kubernetes.io/service-name": "web", "service.kubernetes.io/headless": "" } },
        ),
      ],
      want: [],
    },
    {
      name: "a slice of another proxy is ignored (EPS-15)",
      slices: [
        aSlice(
          { endpoints: [A] },
          {
            labels: {
              "kubernetes.io/service-name": "web",
              "service.kubernetes.io/service-proxy-name": "other",
            },
          },
        ),
      ],
      want: [],
    },
    {
      name: "internalTrafficPolicy Local keeps to the node",
      spec: { internalTrafficPolicy: "Local" },
      slices: [
        aSlice({
          endpoints: [
            at("10.1.0.1", {}, { nodeName: "node-1" }),
            at("10.1.0.2", {}, { nodeName: "b" }),
            at("10.1.0.3"),
          ],
        }),
      ],
      want: ["10.1.0.1:8080"],
    },
    {
      name: "Local with none on the node has none, even if others are ready",
      spec: { internalTrafficPolicy: "Local" },
      slices: [aSlice({ endpoints: [at("10.1.0.2", {}, { nodeName: "b" })] })],
      want: [],
    },
  ])("$name", ({ spec, slices, want }) => {
    expect(endpointsAt(HTTP, [aService(spec)], slices)).toEqual(want);
  });
});

describe("which addresses are forwarded", () => {
  const slices = [aSlice({ endpoints: [A] })];

  test.each([
    ["headless", aService({ clusterIP: "None", clusterIPs: ["None"] })],
    ["ExternalName", aService({ type: "ExternalName", externalName: "x.example" })],
    ["not yet allocated", aService({ clusterIP: "" })],
    ["labelled headless", aService({}, { labels: { "service.kubernetes.io/headless": "" } })],
    [
      "another proxy's",
      aService({}, { labels: { "service.kubernetes.io/service-proxy-name": "x" } }),
    ],
  ])("%s: none", (_name, service) => {
    const table = deriveForwardingTable([service], slices, NODE);
    expect([...table.ports.keys(), ...table.clusterIps]).toEqual([]);
  });

  test("each ClusterIP of a dual-stack Service meets the slices of its family", () => {
    const service = aService({ clusterIPs: ["10.96.0.10", "fd00:96::A"] });
    const both = [...slices, aSlice({ addressType: "IPv6", endpoints: [at("fd00::1")] })];
    expect(endpointsAt(HTTP, [service], both)).toEqual(["10.1.0.1:8080"]);
    const v6 = forwardingKey("fd00:96::a", "TCP", 80);
    expect(endpointsAt(v6, [service], both)).toEqual(["fd00::1:8080"]);
  });

  test("two Services with the same name in two namespaces do not mix", () => {
    const other = aService({ clusterIP: "10.96.0.11" }, { namespace: "other" });
    const theirs = aSlice({ endpoints: [at("10.1.9.9")] }, { namespace: "other" });
    const all = [aService(), other];
    expect(endpointsAt(HTTP, all, [...slices, theirs])).toEqual(["10.1.0.1:8080"]);
    const key = forwardingKey("10.96.0.11", "TCP", 80);
    expect(endpointsAt(key, all, [...slices, theirs])).toEqual(["10.1.9.9:8080"]);
  });
});

test.each([
  ["None", {}, undefined],
  ["ClientIP", {}, 10_800_000],
  ["ClientIP", { sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } }, 5000],
])("session affinity %s %o lasts %s ms", (sessionAffinity, config, want) => {
  const table = deriveForwardingTable([aService({ sessionAffinity, ...config })], [], NODE);
  expect(table.ports.get(HTTP)?.affinityTimeoutMs).toBe(want);
});
