import { expect, test } from "vitest";
import type { PodPlace } from "../../../api/kube/pod.ts";
import { addressesOfPod, namespaceOfClient, projectPod } from "./client-namespaces.ts";

function pod(name: string, ips: readonly string[], more: Partial<PodPlace> = {}): PodPlace {
  const [namespace = "", own = ""] = name.split("/");
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace, name: own },
    status: { phase: "Running", podIPs: ips.map((ip) => ({ ip })), ...more.status },
    ...(more.spec !== undefined && { spec: more.spec }),
  };
}

function ask(pods: readonly PodPlace[], address: string): string {
  const kept = pods.map(projectPod);
  return namespaceOfClient(
    { byIndex: (_index, value) => kept.filter((each) => addressesOfPod(each).includes(value)) },
    address,
  );
}

const SHOP = pod("shop/web-0", ["10.0.0.1", "fd10::1"]);

test.each([
  ["its pod's", [SHOP], "10.0.0.1", "shop"],
  ["IPv4 as a dual-stack socket tells it", [SHOP], "::ffff:10.0.0.1", "shop"],
  ["IPv6, however it is written", [SHOP], "FD10:0::0001", "shop"],
  ["nobody's", [SHOP], "10.0.0.2", ""],
  ["none at all", [pod("shop/pending", [])], "", ""],
  [
    "a node's, which its pods share",
    [pod("kube/proxy", ["10.9.0.1"], { spec: { hostNetwork: true } })],
    "10.9.0.1",
    "",
  ],
  [
    "of a pod that has ended, and now of another",
    [pod("jobs/done", ["10.0.0.1"], { status: { phase: "Succeeded" } }), SHOP],
    "10.0.0.1",
    "shop",
  ],
  ["of two pods in one namespace", [SHOP, pod("shop/web-1", ["10.0.0.1"])], "10.0.0.1", "shop"],
  ["of pods in two namespaces", [SHOP, pod("bank/web-1", ["10.0.0.1"])], "10.0.0.1", ""],
])("the namespace of an address: %s", (_what, pods, address, namespace) => {
  expect(ask(pods, address)).toBe(namespace);
});

test("of a pod its place is kept, and nothing else", () => {
  const large = {
    ...SHOP,
    metadata: { ...SHOP.metadata, uid: "u", annotations: { secret: "x".repeat(10_000) } },
    spec: {
      hostNetwork: false,
      containers: [{ name: "c", env: [{ name: "PASSWORD", value: "x" }] }],
    },
    status: { ...SHOP.status, conditions: [], hostIP: "10.9.0.1" },
  };
  expect(projectPod(large)).toEqual({
    ...SHOP,
    metadata: { ...SHOP.metadata, uid: "u" },
  });
});
