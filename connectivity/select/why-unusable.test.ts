import { describe, expect, test } from "vitest";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import type { BackendName } from "../../api/network/backend-name.ts";
import type { NetworkFacts } from "../../api/network/network-facts.ts";
import { type OwnNetwork, type OwnProxies, whyUnusable } from "./why-unusable.ts";

const OWN: OwnNetwork & OwnProxies = {
  hasProxy: true,
  cluster: clusterId("east"),
  podCidrs: ["10.1.0.0/16", "fd00:1::/64"],
  globalPrefixes: [{ cidr: "10.1.0.0/16", global: "242.1.0.0/16" }],
  overlay: { mesh: "cilium-clustermesh", id: "e", problemWith: () => undefined },
};

const PEER: NetworkFacts & { cluster: ClusterId } = {
  cluster: clusterId("west"),
  podCidrs: ["10.2.0.0/16", "fd00:2::/64"],
  serviceCidrs: [],
  globalPrefixes: [{ cidr: "10.2.0.0/16", global: "242.2.0.0/16" }],
  nodePrefixes: [],
  backends: ["underlay", "overlay-cni", "vxlan", "proxy"],
  responders: [],
  gateways: [{ node: "n", endpoints: ["192.0.2.1"], port: 4790, tunnelAddresses: [] }],
  proxies: [],
  overlay: { mesh: "cilium-clustermesh", id: "w" },
};

describe("why a backend cannot carry anything", () => {
  test.each<BackendName>(["underlay", "overlay-cni", "vxlan", "proxy"])("%s can", (backend) => {
    expect(whyUnusable(backend, OWN, PEER)).toBeUndefined();
  });

  const { overlay: _overlay, ...withoutMesh } = PEER;
  test.each<{
    backend: BackendName;
    own?: Partial<typeof OWN>;
    peer?: Partial<typeof PEER>;
    why: string;
  }>([
    { backend: "proxy", peer: { backends: ["underlay"] }, why: "west does not offer proxy" },
    {
      backend: "proxy",
      own: { hasProxy: false },
      why: "no proxy of this cluster has reported yet",
    },
    { backend: "underlay", peer: { backends: ["vxlan"] }, why: "west does not offer underlay" },
    { backend: "vxlan", peer: { backends: [] }, why: "west does not offer vxlan" },
    {
      backend: "underlay",
      peer: { podCidrs: ["10.0.0.0/8"] },
      why: "pod networks overlap: 10.1.0.0/16 here, 10.0.0.0/8 in west",
    },
    {
      backend: "underlay",
      peer: { podCidrs: ["10.2.0.0/16", "fd00:1::/80"] },
      why: "pod networks overlap: fd00:1::/64 here, fd00:1::/80 in west",
    },
    {
      backend: "overlay-cni",
      peer: { podCidrs: ["10.1.128.0/17"] },
      why: "pod networks overlap: 10.1.0.0/16 here, 10.1.128.0/17 in west",
    },
    {
      backend: "overlay-cni",
      own: { overlay: undefined },
      why: "no mesh of a CNI is recognised here",
    },
    {
      backend: "overlay-cni",
      peer: { overlay: { mesh: "kube-ovn-ic", id: "az1" } },
      why: "other mesh: cilium-clustermesh here, kube-ovn-ic in west",
    },
    {
      backend: "overlay-cni",
      peer: { overlay: { mesh: "cilium-clustermesh", id: "e" } },
      why: 'both are called "e" in cilium-clustermesh',
    },
    {
      backend: "overlay-cni",
      own: {
        overlay: {
          mesh: "cilium-clustermesh",
          id: "e",
          problemWith: (id) => `${id} is not connected`,
        },
      },
      why: "w is not connected",
    },
    {
      backend: "vxlan",
      own: { globalPrefixes: [] },
      why: "this cluster has no global prefixes yet",
    },
    { backend: "vxlan", peer: { globalPrefixes: [] }, why: "west has no global prefixes yet" },
    { backend: "vxlan", peer: { gateways: [] }, why: "west has no gateway that is ready" },
  ])("$backend: $why", ({ backend, own, peer, why }) => {
    expect(whyUnusable(backend, { ...OWN, ...own }, { ...PEER, ...peer })).toBe(why);
  });

  test("a peer whose CNI has no mesh", () => {
    expect(whyUnusable("overlay-cni", OWN, withoutMesh)).toBe(
      "no mesh of a CNI is recognised in west",
    );
  });

  test("a peer that says nothing of backends is reached at its addresses", () => {
    expect(whyUnusable("underlay", OWN, { ...PEER, backends: [] })).toBeUndefined();
  });

  test("overlapping pod networks do not matter where addresses are translated", () => {
    const peer = { ...PEER, podCidrs: OWN.podCidrs };
    expect(whyUnusable("vxlan", OWN, peer)).toBeUndefined();
    expect(whyUnusable("proxy", OWN, peer)).toBeUndefined();
  });
});

function clusterId(text: string): ClusterId {
  const parsed = parseClusterId(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}
