import { describe, expect, test } from "vitest";
import type { Endpoint } from "../../../api/kube/endpoint-slice.ts";
import { aPod, aService, type PodFacts } from "../testing/builders.ts";
import { deriveEndpointGroups, hasManagedSlices } from "./derive-slices.ts";

const NODES = { zoneOf: (name: string) => (name === "node-1" ? "zone-1" : undefined) };

function endpointOf(facts: PodFacts, service = aService()): Endpoint | undefined {
  return deriveEndpointGroups(service, [aPod({ ips: ["10.1.0.5"], ...facts })], NODES)[0]
    ?.endpoints[0];
}

describe("an endpoint", () => {
  test("says where it runs and which Pod it is", () => {
    expect(endpointOf({ spec: { nodeName: "node-1" } })).toEqual({
      addresses: ["10.1.0.5"],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: "node-1",
      zone: "zone-1",
      targetRef: { kind: "Pod", namespace: "shop", name: "web-1", uid: "uid-web-1" },
    });
  });

  test.each<[string, PodFacts, boolean, object]>([
    ["ready", {}, false, { ready: true, serving: true, terminating: false }],
    ["not ready", { ready: false }, false, { ready: false, serving: false, terminating: false }],
    [
      "terminating",
      { terminating: true },
      false,
      { ready: false, serving: true, terminating: true },
    ],
    [
      "terminating and not ready",
      { terminating: true, ready: false },
      false,
      { ready: false, serving: false, terminating: true },
    ],
    // EPS-18: publishNotReadyAddresses is folded into ready.
    [
      "published unready",
      { ready: false },
      true,
      { ready: true, serving: false, terminating: false },
    ],
    [
      "published terminating",
      { terminating: true },
      true,
      { ready: true, serving: true, terminating: true },
    ],
  ])("%s", (_name, facts, publishNotReadyAddresses, want) => {
    expect(endpointOf(facts, aService({ publishNotReadyAddresses }))?.conditions).toEqual(want);
  });

  test.each<[string, PodFacts["spec"] & object, string | undefined]>([
    ["hostname and the Service as subdomain", { hostname: "web-0", subdomain: "web" }, "web-0"],
    ["another subdomain", { hostname: "web-0", subdomain: "other" }, undefined],
    ["no hostname", { subdomain: "web" }, undefined],
    ["no subdomain", { hostname: "web-0" }, undefined],
  ])("hostname: %s", (_name, spec, want) => {
    expect(endpointOf({ spec })?.hostname).toBe(want);
  });

  test.each<[string, PodFacts]>([
    ["without an address", { ips: [] }],
    ["that has failed", { phase: "Failed" }],
    ["that has succeeded", { phase: "Succeeded" }],
    ["with other labels", { labels: { app: "db" } }],
    ["of another namespace", { namespace: "other" }],
    ["of the other family", { ips: ["fd00::5"] }],
  ])("a Pod %s is none", (_name, facts) => {
    expect(endpointOf(facts)).toBeUndefined();
  });
});

test("a selector takes Pods that have all of its labels", () => {
  const service = aService({ selector: { app: "web", tier: "front" } });
  const pods = [
    aPod({ name: "both", labels: { app: "web", tier: "front", more: "x" }, ips: ["10.1.0.5"] }),
    aPod({ name: "one", ips: ["10.1.0.6"] }),
  ];
  const [group] = deriveEndpointGroups(service, pods, NODES);
  expect(group?.endpoints.map((endpoint) => endpoint.addresses)).toEqual([["10.1.0.5"]]);
});

describe("ports", () => {
  const pod = (name: string, ip: string, port: number): ReturnType<typeof aPod> =>
    aPod({ name, ips: [ip], ports: [{ name: "http", containerPort: port }] });

  test("a named target port that differs from pod to pod makes several groups", () => {
    const service = aService({ ports: [{ name: "web", port: 80, targetPort: "http" }] });
    const pods = [
      pod("a", "10.1.0.5", 8080),
      pod("b", "10.1.0.6", 9090),
      pod("c", "10.1.0.7", 8080),
    ];
    const groups = deriveEndpointGroups(service, pods, NODES);
    expect(
      groups.map((group) => [group.ports, group.endpoints.map((e) => e.addresses[0])]),
    ).toEqual([
      [[{ name: "web", protocol: "TCP", port: 8080 }], ["10.1.0.5", "10.1.0.7"]],
      [[{ name: "web", protocol: "TCP", port: 9090 }], ["10.1.0.6"]],
    ]);
  });

  test.each<[string, object, object[]]>([
    ["a number", { port: 80, targetPort: 8080 }, [{ name: "", protocol: "TCP", port: 8080 }]],
    ["absent: the port itself", { port: 80 }, [{ name: "", protocol: "TCP", port: 80 }]],
    ["a name that no container has", { port: 80, targetPort: "nope" }, []],
    ["a name of another protocol", { port: 80, targetPort: "http", protocol: "UDP" }, []],
    [
      "appProtocol travels",
      { port: 80, targetPort: "http", appProtocol: "h2c" },
      [{ name: "", protocol: "TCP", port: 8080, appProtocol: "h2c" }],
    ],
  ])("target port: %s", (_name, port, want) => {
    const service = aService({ ports: [{ port: 80, ...port }] });
    expect(deriveEndpointGroups(service, [pod("a", "10.1.0.5", 8080)], NODES)[0]?.ports).toEqual(
      want,
    );
  });
});

test("a dual-stack Service has a group for each of its families", () => {
  const service = aService({ ipFamilies: ["IPv4", "IPv6"] });
  const groups = deriveEndpointGroups(service, [aPod({ ips: ["10.1.0.5", "fd00::5"] })], NODES);
  expect(groups.map((group) => [group.addressType, group.endpoints[0]?.addresses])).toEqual([
    ["IPv4", ["10.1.0.5"]],
    ["IPv6", ["fd00::5"]],
  ]);
});

test.each([
  [{ selector: { app: "web" } }, true],
  [{ selector: {} }, false],
  [{ type: "ExternalName" as const, externalName: "x.example" }, false],
])("%o is managed: %s", (spec, want) => {
  expect(hasManagedSlices(aService(spec))).toBe(want);
});
