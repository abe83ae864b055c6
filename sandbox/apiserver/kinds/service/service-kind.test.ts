import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../object/json.ts";
import { listAt, objectAt, stringAt, withFieldAt } from "../../object/json.ts";
import { accepted, causes, KindTrial } from "../kind-trial.ts";
import { SERVICE } from "./service-kind.ts";

const DUAL = ["10.101.0.0/16", "fd00:101::/112"];
const LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

function service(spec: JsonObject): JsonObject {
  return { apiVersion: "v1", kind: "Service", spec };
}

function createdSpec(spec: JsonObject, cidrs?: readonly string[]): JsonObject {
  return objectAt(accepted(new KindTrial(SERVICE, cidrs).create(service(spec))), ["spec"]);
}

describe("defaults of a new Service", () => {
  test("a cluster IP service gets an address, a family and policies", () => {
    const spec = createdSpec({
      selector: { app: "web" },
      ports: [
        { name: "http", port: 80, targetPort: 8080 },
        { name: "dns", port: 53, protocol: "UDP", targetPort: "dns" },
      ],
      sessionAffinity: "ClientIP",
    });
    expect(spec).toMatchObject({
      type: "ClusterIP",
      ports: [
        { name: "http", protocol: "TCP", port: 80, targetPort: 8080 },
        { name: "dns", protocol: "UDP", port: 53, targetPort: "dns" },
      ],
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      internalTrafficPolicy: "Cluster",
    });
    expect(stringAt(spec, ["clusterIP"])).toMatch(/^10\.101\./);
    expect(spec["clusterIPs"]).toEqual([spec["clusterIP"]]);
  });

  test("a headless service has None and no address", () => {
    expect(
      createdSpec({ clusterIP: "None", selector: { a: "b" }, publishNotReadyAddresses: true }),
    ).toEqual({
      type: "ClusterIP",
      clusterIP: "None",
      clusterIPs: ["None"],
      selector: { a: "b" },
      publishNotReadyAddresses: true,
      sessionAffinity: "None",
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      internalTrafficPolicy: "Cluster",
    });
  });

  test("an ExternalName service has neither address nor family", () => {
    expect(createdSpec({ type: "ExternalName", externalName: "example.com" })).toEqual({
      type: "ExternalName",
      externalName: "example.com",
      sessionAffinity: "None",
    });
  });

  test("a LoadBalancer gets node ports unless it does not want them", () => {
    const spec = createdSpec({ type: "LoadBalancer", ports: [{ port: 80 }] });
    expect(spec).toMatchObject({
      allocateLoadBalancerNodePorts: true,
      externalTrafficPolicy: "Cluster",
    });
    expect(spec["ports"]).toEqual([
      { port: 80, protocol: "TCP", targetPort: 80, nodePort: expect.any(Number) },
    ]);
    const without = createdSpec({
      type: "LoadBalancer",
      allocateLoadBalancerNodePorts: false,
      ports: [{ port: 80 }],
    });
    expect(without["ports"]).toEqual([{ port: 80, protocol: "TCP", targetPort: 80 }]);
  });

  test.each([
    ["PreferDualStack", ["10.101.0.0/16"], ["IPv4"]],
    ["PreferDualStack", DUAL, ["IPv4", "IPv6"]],
    ["RequireDualStack", DUAL, ["IPv4", "IPv6"]],
    ["SingleStack", DUAL, ["IPv4"]],
  ])("%s on %j gives %j", (ipFamilyPolicy, cidrs, families) => {
    const spec = createdSpec({ ipFamilyPolicy, ports: [{ port: 80 }] }, cidrs);
    expect(spec).toMatchObject({ ipFamilyPolicy, ipFamilies: families });
    expect(spec["clusterIPs"]).toHaveLength(families.length);
  });

  test("ipFamilies alone choose the family, two of them ask for both", () => {
    expect(createdSpec({ ipFamilies: ["IPv6"], ports: [{ port: 80 }] }, DUAL)).toMatchObject({
      clusterIP: expect.stringMatching(/^fd00:101::/),
      ipFamilyPolicy: "SingleStack",
    });
    expect(
      createdSpec({ ipFamilies: ["IPv6", "IPv4"], ports: [{ port: 80 }] }, DUAL),
    ).toMatchObject({
      ipFamilies: ["IPv6", "IPv4"],
      ipFamilyPolicy: "RequireDualStack",
    });
  });
});

test.each<[string, JsonObject, readonly string[]]>([
  [
    "two ports without names",
    { ports: [{ port: 80 }, { port: 81 }] },
    ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
  ],
  ...["1.2.3.4", "1.2.3.0/33", "x/8", "1.2.3.0/24/1"].map(
    (range): [string, JsonObject, readonly string[]] => [
      `the source range ${range}`,
      {
        type: "LoadBalancer",
        ports: [{ port: 80 }],
        loadBalancerSourceRanges: ["10.0.0.0/8", range],
      },
      [
        `spec.LoadBalancerSourceRanges[1]: Invalid value: "${range}": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)`,
      ],
    ],
  ),
  ["no ports", { selector: { a: "b" } }, ["spec.ports: Required value"]],
  [
    "the same port twice",
    {
      ports: [
        { name: "a", port: 80 },
        { name: "b", port: 80 },
      ],
    },
    [
      'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
    ],
  ],
  [
    "a bad name, port and protocol",
    { ports: [{ name: "UPPER", port: 70_000, protocol: "FOO" }] },
    [
      `spec.ports[0].name: Invalid value: "UPPER": ${LABEL_TEXT}`,
      "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
      'spec.ports[0].protocol: Unsupported value: "FOO": supported values: "SCTP", "TCP", "UDP"',
      "spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
    ],
  ],
  [
    "an address out of range",
    { clusterIP: "192.0.2.1", ports: [{ port: 80 }] },
    [
      'spec.clusterIPs: Invalid value: ["192.0.2.1"]: failed to allocate IP 192.0.2.1: the provided network does not match the current range',
    ],
  ],
  [
    "dual stack on a single-stack cluster",
    { ipFamilyPolicy: "RequireDualStack", ports: [{ port: 80 }] },
    [
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
  ],
  [
    "an unknown type",
    { type: "Magic", ports: [{ port: 80 }] },
    [
      'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
  ],
  ["ExternalName without a name", { type: "ExternalName" }, ["spec.externalName: Required value"]],
  [
    "a headless NodePort",
    { type: "NodePort", clusterIP: "None", ports: [{ port: 80 }] },
    ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"],
  ],
  [
    "a node port of a ClusterIP service",
    { ports: [{ port: 80, nodePort: 30_000 }] },
    ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  ],
  [
    "an affinity timeout of a week",
    {
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 604_800 } },
      ports: [{ port: 80 }],
    },
    [
      "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 604800: must be greater than 0 and less than 86400",
    ],
  ],
])("refuses %s", (_name, spec, want) => {
  expect(causes(new KindTrial(SERVICE).create(service(spec)))).toEqual(want);
});

test("a wrong type is refused as Go's decoder does", () => {
  expect(causes(new KindTrial(SERVICE).create(service({ ports: "x" })))).toEqual([
    'Service in version "v1" cannot be handled as a Service: json: cannot unmarshal string into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort',
  ]);
});

describe("updates", () => {
  const trial = new KindTrial(SERVICE, DUAL);
  const old = accepted(trial.create(service({ selector: { a: "b" }, ports: [{ port: 80 }] })));

  test("a client that leaves allocated fields out keeps them", () => {
    const next = withFieldAt(old, ["spec"], { selector: { a: "c" }, ports: [{ port: 80 }] });
    const spec = objectAt(accepted(trial.update(next, old)), ["spec"]);
    expect(spec).toEqual({ ...objectAt(old, ["spec"]), selector: { a: "c" } });
  });

  test("the cluster IP may not change", () => {
    const next = withFieldAt(old, ["spec", "clusterIP"], "10.101.9.9");
    expect(causes(trial.update(next, old))).toEqual([
      'spec.clusterIPs[0]: Invalid value: ["10.101.9.9"]: may not change once set',
    ]);
  });

  test("a service upgraded to dual stack gets a second address and gives it back", () => {
    const upgraded = accepted(
      trial.update(withFieldAt(old, ["spec", "ipFamilyPolicy"], "PreferDualStack"), old),
    );
    expect(upgraded["spec"]).toMatchObject({ ipFamilies: ["IPv4", "IPv6"] });
    const [, second = ""] = listAt(upgraded, ["spec", "clusterIPs"]).filter(
      (ip) => typeof ip === "string",
    );
    expect(trial.network.clusterIps("IPv6")?.has(second)).toBe(true);
    const downgraded = accepted(
      trial.update(withFieldAt(upgraded, ["spec", "ipFamilyPolicy"], "SingleStack"), upgraded),
    );
    expect(downgraded["spec"]).toEqual(old["spec"]);
    expect(trial.network.clusterIps("IPv6")?.has(second)).toBe(false);
  });

  test("status of the main resource is ignored, of the subresource it is taken", () => {
    const ingress = [{ ip: "192.0.2.7" }];
    const next = withFieldAt(old, ["status", "loadBalancer", "ingress"], ingress);
    expect(accepted(trial.update(next, old))["status"]).toEqual({ loadBalancer: {} });
    const updated = accepted(trial.updateStatus(withFieldAt(next, ["spec"], {}), old));
    expect(updated["status"]).toEqual({
      loadBalancer: { ingress: [{ ip: "192.0.2.7", ipMode: "VIP" }] },
    });
    expect(updated["spec"]).toEqual(old["spec"]);
  });
});

describe("allocation", () => {
  test("an address belongs to one Service until it is deleted", () => {
    const trial = new KindTrial(SERVICE);
    const body = service({ clusterIP: "10.101.7.7", ports: [{ port: 80 }] });
    const first = accepted(trial.create(body));
    expect(causes(trial.create(body))).toEqual([
      'spec.clusterIPs: Invalid value: ["10.101.7.7"]: failed to allocate IP 10.101.7.7: provided IP is already allocated',
    ]);
    trial.delete(first);
    accepted(trial.create(body));
  });

  test("a failed node port gives the address back", () => {
    const trial = new KindTrial(SERVICE);
    const body = service({
      type: "NodePort",
      clusterIP: "10.101.7.7",
      ports: [{ port: 80, nodePort: 99 }],
    });
    expect(causes(trial.create(body))).toEqual([
      "spec.ports[0].nodePort: Invalid value: 99: provided port is not in the valid range. The range of valid ports is 30000-32767",
    ]);
    expect(trial.network.clusterIps("IPv4")?.has("10.101.7.7")).toBe(false);
  });

  test("a dry run takes nothing and shows the network address", () => {
    const trial = new KindTrial(SERVICE);
    const dry = accepted(trial.create(service({ ports: [{ port: 80 }] }), true));
    expect(dry["spec"]).toMatchObject({ clusterIP: "10.101.0.0" });
    const given = service({ clusterIP: "10.101.7.7", ports: [{ port: 80 }] });
    accepted(trial.create(given, true));
    expect(trial.network.clusterIps("IPv4")?.has("10.101.7.7")).toBe(false);
  });
});
