import { expect, test } from "vitest";
import { readingPods, type SystemPod } from "./reading-pods.ts";

const pod = (name: string, spec: SystemPod["spec"], metadata: object = {}): SystemPod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "kube-system", ...metadata },
  spec: spec ?? {},
  status: { conditions: [{ type: "Ready", status: "True" }] },
});
const reads = (name: string) => ({ volumes: [{ configMap: { name } }] });
const ports = [{ name: "dns-tcp", containerPort: 1053 }];

test("pods that mount what was changed, whatever they are called", () => {
  const projected = { volumes: [{ projected: { sources: [{ configMap: { name: "coredns" } }] } }] };
  const { asked, caches } = readingPods(
    [
      pod("kube-proxy", reads("kube-proxy")),
      pod("rke2-dns", { ...reads("coredns"), containers: [{ ports }] }),
      pod("other", projected),
      pod("ending", reads("coredns"), { deletionTimestamp: "2026-01-01T00:00:00Z" }),
      pod("bare", undefined),
    ],
    ["coredns"],
  );
  expect(asked.map(({ name, dnsPort, isReady }) => ({ name, dnsPort, isReady }))).toEqual([
    { name: "rke2-dns", dnsPort: 1053, isReady: true },
    { name: "other", dnsPort: 53, isReady: true },
  ]);
  expect(caches).toEqual([]);
});

test("k3s: files beside the Corefile; caches of nodes cannot be asked at their loopback", () => {
  const custom = { volumes: [{ configMap: { name: "coredns" } }, { configMap: {} }] };
  const both = { volumes: [...custom.volumes, { configMap: { name: "coredns-custom" } }] };
  const cache = { hostNetwork: true, ...reads("node-local-dns") };
  const pods = [pod("dns", both), pod("cache-1", cache), pod("cache-2", cache)];
  const found = readingPods(pods, ["coredns-custom", "node-local-dns"]);
  expect(found.asked.map(({ name }) => name)).toEqual(["dns"]);
  expect(found.caches).toEqual(["cache-1", "cache-2"]);
  expect(readingPods(pods, []).asked).toEqual([]);
});
