import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Peer } from "../../api/network/peer.ts";
import { PEERS } from "../../api/network/resources.ts";
import type { NetCluster } from "../../sandbox/clusterset/net-clusterset.ts";
import { INTERNET } from "../../sandbox/network/netns/net-plan.ts";
import { mustRunIn, runIn } from "../../sandbox/network/netns/run-commands.ts";
import type { ManagedProcess } from "../../sandbox/process/managed-process.ts";
import {
  talkDns,
  talkHttp,
  talkHttp2,
  talkIperf,
  talkPostgres,
  talkRedis,
} from "../programs/debian-clients.ts";
import { inNamespace, output } from "../programs/place.ts";
import { NetService, UDP } from "./harness/net-service.ts";
import { NetWorld } from "./harness/net-world.ts";
import { NODE_PROGRAMS, PROGRAM_PORTS, ProgramPod } from "./harness/program-pod.ts";
import { startProxy, TUNNELS } from "./harness/start-proxy.ts";
import { httpFrom, pingFrom, SILENCE_MS, whoByUdp } from "./harness/talk.ts";

/** Between clusters nothing passes but one TCP port, and nothing at all between `a` and `c`. */
function firewall(a: NetCluster, c: NetCluster): string {
  const [nodesOfA, nodesOfC] = [a.plan.nodeCidrs.join(", "), c.plan.nodeCidrs.join(", ")];
  return `table inet firewall {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ip saddr { ${nodesOfA} } ip daddr { ${nodesOfC} } drop
    ip saddr { ${nodesOfC} } ip daddr { ${nodesOfA} } drop
    tcp dport ${TUNNELS} accept
    tcp sport ${TUNNELS} accept
  }
}
`;
}

describe("three members with the same pod CIDRs, one TCP port between them, and a pair that meets through a relay only", () => {
  let world: NetWorld;
  let service: NetService;
  const proxies: ManagedProcess[] = [];

  beforeAll(async () => {
    world = await NetWorld.start({ overlapping: true }, { backends: ["proxy"], nodes: false });
    const [a, b, c] = ["a", "b", "c"].map((id) => world.cluster(id));
    if (a === undefined || b === undefined || c === undefined) throw new Error("three clusters");
    await mustRunIn(INTERNET, ["nft", "-f", "-"], firewall(a, c));
    proxies.push(startProxy(world, a), startProxy(world, b, ["a", "c"]), startProxy(world, c));
    service = new NetService(world, "shop");
    await service.deploy(["a", "b"]);
  });
  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await world?.[Symbol.asyncDispose]();
  });

  test("every pair chooses the proxy, the one behind the relay too", async () => {
    for (const [id, peer] of [
      ["a", "b"],
      ["b", "c"],
      ["c", "a"],
      ["a", "c"],
    ] as const) {
      await world.until(`${id} to reach ${peer} by proxy`, async () => {
        const found = await world.find<Peer>(id, PEERS, undefined, peer);
        const path = found?.status?.paths.find(({ backend }) => backend === "proxy");
        return found?.status?.backend === "proxy" && path?.state === "up" ? true : undefined;
      });
    }
  });

  test("nothing else passes", async () => {
    const [client] = world.cluster("c").clients;
    const [node] = world.cluster("b").plan.nodes;
    expect(await pingFrom(client, node?.addresses[0] ?? "", { timeoutMs: SILENCE_MS })).toBe(
      "silent",
    );
  });

  test("TCP: the clusterset IP leads to the pods of both exporters, from every node of the third", async () => {
    const ip = await service.clustersetIp("c");
    for (const client of world.cluster("c").clients) {
      await world.until("answers of all four pods", async () => {
        const answers = await Promise.all(
          Array.from({ length: 24 }, () => httpFrom(client, ip, 80)),
        );
        const pods = new Set(answers.map(({ cluster, pod }) => `${cluster} ${pod}`));
        return pods.size === 4 ? true : undefined;
      });
    }
  });

  test("UDP: datagrams come back, from every node of the third", async () => {
    const ip = await service.clustersetIp("c");
    for (const client of world.cluster("c").clients) {
      await world.until("an answer", async () =>
        /^[\d.]+/.test(await whoByUdp(client, ip, UDP, 3_000)) ? true : undefined,
      );
    }
  });

  test("real programs, from the third's pods to the first's, through the relay", async () => {
    await using programs = await ProgramPod.start(world, "a", "shop");
    const ip = await programs.service.clustersetIp("c");
    const [client] = world.cluster("c").clients;
    const place = inNamespace(client?.namespace ?? "");
    await world.until("the first answer", async () =>
      (await runIn(client?.namespace ?? "", ["dig", `@${ip}`, "+tries=1", "+time=1", "web.test"]))
        .code === 0
        ? true
        : undefined,
    );
    const talk = (what: "grpc" | "websocket"): Promise<string> =>
      output(place, [...NODE_PROGRAMS, what, ip, String(PROGRAM_PORTS[what])]);
    await Promise.all([
      talkHttp(place, ip, PROGRAM_PORTS.http),
      talkHttp2(place, ip, PROGRAM_PORTS.http2),
      talk("grpc"),
      talk("websocket"),
      talkPostgres(place, ip, PROGRAM_PORTS.sql),
      talkRedis(place, ip, PROGRAM_PORTS.redis),
      talkDns(place, ip, PROGRAM_PORTS.dns),
    ]);
    // Alone: datagrams that find no room are dropped, as on any network.
    await talkIperf(place, ip, PROGRAM_PORTS.iperf);
  });
});
