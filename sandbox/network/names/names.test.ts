import { describe, expect, test } from "vitest";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { Service } from "../../../api/kube/service.ts";
import { aService, aSlice } from "../../node/testing/builders.ts";
import { answerClusterName, type ClusterObjects } from "./cluster-names.ts";
import { searchNames } from "./search-list.ts";

describe("the search list of a pod in namespace default (ndots:5)", () => {
  test.each([
    ["web", ["web.default.svc.cluster.local", "web.svc.cluster.local", "web.cluster.local", "web"]],
    [
      "Web.Shop",
      [
        "web.shop.default.svc.cluster.local",
        "web.shop.svc.cluster.local",
        "web.shop.cluster.local",
        "web.shop",
      ],
    ],
    ["web.shop.svc.clusterset.local.", ["web.shop.svc.clusterset.local"]],
  ])("%s", (name, want) => {
    expect(searchNames(name, "default")).toEqual(want);
  });

  test("four dots are searched first, five are absolute first", () => {
    const four = searchNames("web.shop.svc.clusterset.local", "default");
    expect(four.indexOf("web.shop.svc.clusterset.local")).toBe(3);
    const five = searchNames("a.web.shop.svc.clusterset.local", "default");
    expect(five[0]).toBe("a.web.shop.svc.clusterset.local");
  });
});

function objectsOf(service: Service, slices: readonly EndpointSlice[] = []): ClusterObjects {
  return {
    service: (namespace, name) =>
      service.metadata.namespace === namespace && service.metadata.name === name
        ? service
        : undefined,
    slices: () => slices,
  };
}

const headless = aService({ clusterIP: "None", clusterIPs: ["None"] });
const endpoints = [
  { addresses: ["10.1.0.1"], hostname: "web-0" },
  { addresses: ["10.1.0.2"], hostname: "web-1", conditions: { ready: false } },
  { addresses: ["10.1.0.3"] },
];
const slices = [
  aSlice({ endpoints }),
  aSlice({ addressType: "IPv6", endpoints: [{ addresses: ["fd00::1"] }] }),
  aSlice({ addressType: "FQDN", endpoints: [{ addresses: ["x.example"] }] }),
];

describe("names under cluster.local", () => {
  test.each<[string, string, ClusterObjects, readonly string[] | undefined]>([
    ["a ClusterIP", "web.shop.svc.cluster.local", objectsOf(aService()), ["10.96.0.10"]],
    [
      "both ClusterIPs",
      "web.shop.svc.cluster.local",
      objectsOf(aService({ clusterIPs: ["10.96.0.10", "fd00:96::a"] })),
      ["10.96.0.10", "fd00:96::a"],
    ],
    [
      "a headless one's ready pods, each once",
      "web.shop.svc.cluster.local",
      objectsOf(headless, [...slices, ...slices]),
      ["10.1.0.1", "10.1.0.3", "fd00::1"],
    ],
    [
      "a pod's hostname",
      "web-0.web.shop.svc.cluster.local",
      objectsOf(headless, slices),
      ["10.1.0.1"],
    ],
    [
      "a hostname that is not ready",
      "web-1.web.shop.svc.cluster.local",
      objectsOf(headless, slices),
      undefined,
    ],
    [
      "a hostname under a ClusterIP",
      "web-0.web.shop.svc.cluster.local",
      objectsOf(aService(), slices),
      undefined,
    ],
    ["headless without pods", "web.shop.svc.cluster.local", objectsOf(headless), undefined],
    ["another namespace", "web.other.svc.cluster.local", objectsOf(aService()), undefined],
    ["too few labels", "shop.svc.cluster.local", objectsOf(aService()), undefined],
    ["too many labels", "a.b.web.shop.svc.cluster.local", objectsOf(headless, slices), undefined],
    ["not a service name", "web.shop.pod.cluster.local", objectsOf(aService()), undefined],
    ["empty labels", "..svc.cluster.local", objectsOf(aService()), undefined],
    ["the zone itself", "cluster.local", objectsOf(aService()), undefined],
  ])("%s", (_what, name, objects, want) => {
    expect(answerClusterName(name, objects)).toEqual(
      want === undefined ? { kind: "not-found" } : { kind: "addresses", addresses: want },
    );
  });

  test("ExternalName is an alias", () => {
    const service = aService({ type: "ExternalName", externalName: "db.example.com" });
    expect(answerClusterName("web.shop.svc.cluster.local", objectsOf(service))).toEqual({
      kind: "alias",
      name: "db.example.com",
    });
  });
});
