import { afterAll, beforeAll, expect, test } from "vitest";
import type { NetCluster } from "../../sandbox/clusterset/net-clusterset.ts";
import { startOnAllNodes } from "../../sandbox/clusterset/net-node-processes.ts";
import { INTERNET } from "../../sandbox/network/netns/net-plan.ts";
import { mustRunIn } from "../../sandbox/network/netns/run-commands.ts";
import type { ManagedProcess } from "../../sandbox/process/managed-process.ts";
import { mustRunCli } from "../e2e/harness/run-cli.ts";
import { joinCiliumMesh } from "./harness/cilium-mesh.ts";
import { NetService, UDP } from "./harness/net-service.ts";
import { NetWorld } from "./harness/net-world.ts";
import { startProxy, TUNNELS } from "./harness/start-proxy.ts";
import { httpFrom, whoByUdp } from "./harness/talk.ts";

/**
 * One member, and four peers that it reaches each by another way. All members may use all four, and what is between them lets one pass. Behind `b` the internet routes pods, `c` has a CNI's mesh with it, `d` gateways, and to `e` one TCP port is open.
 */
const WAYS = { b: "underlay", c: "overlay-cni", d: "vxlan", e: "proxy" } as const;
const PEER_IDS = Object.keys(WAYS);
/** How pods there see a client: by its own address, by its global one, or by the proxy that carries it. */
const SEEN_AS = { b: /^10\.1\./, c: /^10\.1\./, d: /^242\./, e: /^169\.254\.1\.1$/ } as const;

/** One TCP port leads to a cluster's nodes and from them. (Two `!=` in one rule are one comparison to nft 1.0.6, hence no such rule.) */
function firewall({ plan: { nodeCidrs } }: NetCluster): string {
  const nodes = `{ ${nodeCidrs.join(", ")} }`;
  return `table inet firewall {
  chain forward {
    type filter hook forward priority 0;
    tcp dport ${TUNNELS} accept
    tcp sport ${TUNNELS} accept
    ip daddr ${nodes} drop
    ip saddr ${nodes} drop
  }
}
`;
}

let world: NetWorld;
let service: NetService;
const proxies: ManagedProcess[] = [];

beforeAll(async () => {
  world = await NetWorld.start(
    { clusters: ["a", ...PEER_IDS], nodesPerCluster: 1, underlay: [["a", "b"]] },
    {
      backends: ["underlay", "overlay-cni", "vxlan", "proxy"],
      // Probes cannot tell a mesh from an underlay: both carry pod addresses as they are, and the underlay is asked first.
      controllersArgs: ["--pin", "c=overlay-cni"],
      nodes: false,
      before: async (clusterset) => {
        await mustRunIn(INTERNET, ["nft", "-f", "-"], firewall(clusterset.cluster("e")));
        await joinCiliumMesh(clusterset, ["a", "c"]);
      },
    },
  );
  const [a, d, e] = [world.cluster("a"), world.cluster("d"), world.cluster("e")];
  startOnAllNodes(world.nodes, [a, d]);
  proxies.push(startProxy(world, a), startProxy(world, e));
  service = new NetService(world, "shop");
  await service.deploy(PEER_IDS);
});
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await world?.[Symbol.asyncDispose]();
});

test("each pair gets the first way that is up, or the one it is pinned to, and status says which", async () => {
  const { kubeconfig } = world.cluster("a");
  const lines = Object.entries(WAYS).map(
    ([peer, way]) => new RegExp(String.raw`^${peer} .*\* ${way} +up `, "m"),
  );
  // All at once: a pair may have begun with another way while processes still started.
  await world.until("a to reach each peer by its way", async () => {
    const status = await mustRunCli(["status", "--kubeconfig", kubeconfig]);
    return lines.every((line) => line.test(status)) ? true : undefined;
  });
});

test("one clusterset IP leads to the pods behind all four ways, which see who that way says it is", async () => {
  const [client] = world.cluster("a").clients;
  await service.offered("a", PEER_IDS);
  const ip = await service.clustersetIp("a");
  const seen = new Map<string, string>();
  await world.until("answers of all four", async () => {
    const answers = await Promise.all(Array.from({ length: 24 }, () => httpFrom(client, ip, 80)));
    for (const answer of answers) seen.set(answer.cluster, answer.client);
    return PEER_IDS.every((id) => seen.has(id)) ? true : undefined;
  });
  for (const [id, pattern] of Object.entries(SEEN_AS)) expect(seen.get(id)).toMatch(pattern);
});

test("so do datagrams", async () => {
  const [client] = world.cluster("a").clients;
  const ip = await service.clustersetIp("a");
  const wanted = new Set(Object.values(SEEN_AS).map(String));
  await world.until("answers by every way", async () => {
    const who = await Promise.all(Array.from({ length: 24 }, () => whoByUdp(client, ip, UDP)));
    for (const pattern of Object.values(SEEN_AS)) {
      if (who.some((address) => pattern.test(address))) wanted.delete(String(pattern));
    }
    return wanted.size === 0 ? true : undefined;
  });
});
