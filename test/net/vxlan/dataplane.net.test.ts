import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { must } from "../../../api/result.ts";
import { Dataplane } from "../../../connectivity/vxlan/linux/dataplane.ts";
import { gatewayOwnership, nodeAgentOwnership } from "../../../connectivity/vxlan/ownership.ts";
import { example, type Families, slice } from "../../../connectivity/vxlan/plan/example.fixture.ts";
import { FilterContents, sliceElements } from "../../../connectivity/vxlan/plan/filter-contents.ts";
import { gatewayName } from "../../../connectivity/vxlan/plan/networks.ts";
import type { PeerPaths, PlanSlots } from "../../../connectivity/vxlan/plan/plan.ts";
import { planGateway } from "../../../connectivity/vxlan/plan/plan-gateway.ts";
import { planNode } from "../../../connectivity/vxlan/plan/plan-node.ts";
import { DEFAULT_VXLAN_SETTINGS } from "../../../connectivity/vxlan/plan/settings.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { filesIn, NetLab, runIn } from "./net-lab.ts";

const settings = DEFAULT_VXLAN_SETTINGS;
const { signal } = new AbortController();

type Example = ReturnType<typeof example>;

interface Machine {
  readonly namespace: string;
  readonly before: string;
  readonly node: Dataplane;
  readonly gateway: Dataplane;
  readonly contents: FilterContents;
}

/** Two clusters whose pods have the same addresses; the first nodes are gateways, pods are on the last. */
describe.each<Families>(["v4", "v6", "dual"])("the data path in the kernel, %s", (families) => {
  const lab = new NetLab();
  const directory = mkdtempSync(join(tmpdir(), "isthmus-net-"));
  const clusters = [1, 2].map((number) => example(number, families, { nodes: 3, gateways: 2 }));
  const [east, west] = clusters as [Example, Example];
  const machines = new Map<string, Machine>();
  const pods = new Map<string, string>();
  const isV6 = families === "v6";
  const pod = isV6 ? "fd10:0:0:3::5" : "10.0.3.5";
  const podOnGateway = isV6 ? "fd10:0:0:1::5" : "10.0.1.5";
  const globalOf = (cluster: number, node: number) =>
    isV6 ? `fd42:${cluster}:0:${node}::5` : `242.${cluster}.${node}.5`;

  beforeAll(() => {
    const internet = lab.namespace("internet");
    lab.in(internet, "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
    lab.in(internet, "ip link add br0 type bridge; ip link set br0 up");
    for (const { cluster, facts } of clusters) {
      for (const node of facts) {
        const key = `${cluster}/${node.name}`;
        const namespace = lab.namespace(`${cluster}-${node.name}`);
        const port = `${cluster}${node.name}`;
        lab.sh(`ip -n ${namespace} link add eth0 type veth peer name ${port} netns ${internet}
ip -n ${internet} link set ${port} master br0 up
ip -n ${namespace} link set eth0 up`);
        for (const address of node.internalIps) {
          lab.sh(
            address.includes(":")
              ? `ip -n ${namespace} -6 addr add ${address}/16 dev eth0 nodad`
              : `ip -n ${namespace} addr add ${address}/16 dev eth0`,
          );
        }
        pods.set(key, addPod(namespace, key, Number(node.name.slice(-1))));
        const where = { run: runIn(namespace), files: filesIn(lab, namespace), log: silentLogger };
        const stateDir = join(directory, cluster, node.name);
        machines.set(key, {
          namespace,
          before: lab.state(namespace),
          contents: new FilterContents(),
          node: new Dataplane(
            {
              owner: "node-agent",
              stateDir,
              ownership: nodeAgentOwnership(settings),
            },
            where,
          ),
          gateway: new Dataplane(
            {
              owner: "gateway",
              stateDir,
              ownership: gatewayOwnership(settings),
            },
            where,
          ),
        });
      }
    }
  });

  beforeAll(() => {
    for (const name of pods.values()) for (const port of [8080, 9090]) lab.listening(name, port);
  });

  afterAll(() => {
    lab.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** With the node as its router, and the CNI's rule that hides pods from the world. */
  function addPod(namespace: string, key: string, node: number): string {
    const name = lab.namespace(`${key.replace("/", "-")}-pod`);
    lab.sh(`ip -n ${namespace} link add pod0 type veth peer name eth0 netns ${name}
ip -n ${namespace} link set pod0 up
ip -n ${name} link set eth0 up`);
    if (families !== "v6") {
      lab.sh(`ip -n ${namespace} addr add 10.0.${node}.1/24 dev pod0
ip -n ${name} addr add 10.0.${node}.5/24 dev eth0
ip -n ${name} route add default via 10.0.${node}.1`);
    }
    if (families !== "v4") {
      lab.sh(`ip -n ${namespace} -6 addr add fd10:0:0:${node}::1/64 dev pod0 nodad
ip -n ${name} -6 addr add fd10:0:0:${node}::5/64 dev eth0 nodad
ip -n ${name} -6 route add default via fd10:0:0:${node}::1`);
    }
    lab.in(
      namespace,
      `nft -f - <<'NFT'
table inet cni {
  chain post { type nat hook postrouting priority srcnat;
    ip saddr 10.0.0.0/16 ip daddr != 10.0.0.0/16 masquerade
    ip6 saddr fd10::/48 ip6 daddr != fd10::/48 masquerade
  }
}
NFT`,
    );
    const args = [
      "netns",
      "exec",
      name,
      process.execPath,
      join(import.meta.dirname, "echo-pod.ts"),
      "8080",
      "9090",
    ];
    spawn("ip", args, { stdio: "ignore" });
    return name;
  }

  function machine(key: string): Machine {
    const found = machines.get(key);
    if (found === undefined) throw new Error(`no machine ${key}`);
    return found;
  }

  function ask(
    from: string,
    protocol: "tcp" | "udp",
    address: string,
    port: number,
    limitMs = 15_000,
  ): string {
    const script = join(import.meta.dirname, "ask.ts");
    return lab.in(from, `${process.execPath} ${script} ${protocol} ${address} ${port} ${limitMs}`);
  }

  const isDown = new Set<string>();
  let measured: number | undefined;

  function peersOf(own: Example, forGateway: boolean): readonly PeerPaths[] {
    return clusters
      .filter((other) => other !== own)
      .map((other) => ({
        ...other.peer,
        ...(measured !== undefined && { mtu: measured }),
        through: forGateway
          ? other.gatewayNames
              .map((node) => gatewayName(other.cluster, node))
              .filter((gateway) => !isDown.has(gateway))
          : own.gatewayNames.filter((node) => !isDown.has(gatewayName(own.cluster, node))),
      }));
  }

  async function applyAll(): Promise<void> {
    for (const own of clusters) for (const { name } of own.facts) await applyAt(own, name);
  }

  async function applyAt(own: Example, name: string): Promise<void> {
    const at = machine(`${own.cluster}/${name}`);
    const shared = { network: own.own, node: name, settings };
    const plan = mustHave(
      planNode({
        ...shared,
        peers: peersOf(own, false),
        outerMtu: 1500,
        slots: await at.node.slots(),
      }),
    );
    must(await at.node.apply(plan, undefined, signal));
    const gatewayPlan = gatewayPlanOf(own, name, await at.gateway.slots());
    if (gatewayPlan === undefined) return;
    at.contents.set("own", sliceElements(exportsOf(own, own), scopeOf(own)));
    for (const other of clusters) {
      if (other === own) continue;
      at.contents.set(other.cluster, sliceElements(exportsOf(other, own), scopeOf(own)));
    }
    must(await at.gateway.apply(gatewayPlan, at.contents, signal));
  }

  function gatewayPlanOf(own: Example, node: string, slots: PlanSlots) {
    return planGateway({
      network: own.own,
      node,
      settings,
      peers: peersOf(own, true),
      outer: {
        local: own.facts.find(({ name }) => name === node)?.internalIps ?? [],
        mtu: 1500,
      },
      slots,
    });
  }

  /** Port 8080 of the pods of the last node and of the first: own ones as they are, a peer's as they are reached. */
  function exportsOf(exporter: Example, seenBy: Example) {
    const number = clusters.indexOf(exporter) + 1;
    const addresses =
      exporter === seenBy ? [pod, podOnGateway] : [globalOf(number, 3), globalOf(number, 1)];
    return slice(exporter.cluster, addresses, [
      { protocol: "TCP", port: 8080 },
      { protocol: "UDP", port: 8080 },
    ]);
  }

  function scopeOf(own: Example) {
    return {
      own: own.cluster,
      maps: own.own.maps,
      peerMaps: new Map(),
      peers: new Map(
        clusters
          .filter((other) => other !== own)
          .map(({ cluster, peer }) => [cluster, peer.prefixes]),
      ),
    };
  }

  afterEach(() => {
    isDown.clear();
    measured = undefined;
  });

  test("pods with the same addresses reach each other's exported ports, and see each other's global addresses", async () => {
    await applyAll();
    const client = mustHave(pods.get(`${east.cluster}/node-3`));
    for (const protocol of ["tcp", "udp"] as const) {
      expect(ask(client, protocol, globalOf(2, 3), 8080)).toBe(globalOf(1, 3));
      expect(ask(client, protocol, globalOf(2, 1), 8080)).toBe(globalOf(1, 3));
    }
    const onGateway = mustHave(pods.get(`${east.cluster}/node-1`));
    expect(ask(onGateway, "udp", globalOf(2, 3), 8080)).toBe(globalOf(1, 1));
    expect(ask(onGateway, "tcp", globalOf(2, 1), 8080)).toBe(globalOf(1, 1));
  });

  test("a node itself is seen under its own global address", async () => {
    await applyAll();
    const node = machine(`${east.cluster}/node-3`).namespace;
    expect(ask(node, "tcp", globalOf(2, 3), 8080)).toBe(east.spec.nodeAddresses["node-3"]?.[0]);
    const gateway = machine(`${east.cluster}/node-1`).namespace;
    expect(ask(gateway, "udp", globalOf(2, 3), 8080)).toBe(east.spec.nodeAddresses["node-1"]?.[0]);
  });

  test("a port that is not exported is refused, whoever asks", async () => {
    await applyAll();
    const client = mustHave(pods.get(`${east.cluster}/node-3`));
    expect(ask(client, "tcp", globalOf(2, 3), 9090)).toBe("ECONNREFUSED");
    // The gateway's ICMP error quotes a global address, which is not the pod's: its kernel makes nothing of it.
    expect(ask(client, "udp", globalOf(2, 3), 9090, 1_500)).toMatch(/^(silence|E[A-Z]+)$/);
    // Nor does a gateway that lets everything out open anything: the other end decides for itself.
    const gateway = machine(`${east.cluster}/node-1`).namespace;
    lab.in(gateway, "nft flush chain inet isthmus_gateway own_to_tunnel");
    expect(ask(gateway, "tcp", globalOf(2, 3), 9090, 1_500)).toBe("silence");
    expect(ask(gateway, "tcp", globalOf(2, 3), 8080)).not.toBe("silence");
  });

  test("segments of a connection pass gateways by the shortcut, as long as they are exported; without it they go the usual way", async () => {
    await applyAll();
    const client = mustHave(pods.get(`${east.cluster}/node-3`));
    const gateways = clusters.flatMap(({ cluster, gatewayNames }) =>
      gatewayNames.map((node) => machine(`${cluster}/${node}`)),
    );
    const onAll = (script: string): void => {
      for (const { namespace } of gateways) lab.in(namespace, script);
    };
    // Whatever goes the usual way ends here, but for what begins a connection.
    onAll(
      "nft 'table inet closed { chain passing { type filter hook forward priority 0; tcp flags & syn == 0 drop; }; }'",
    );
    expect(ask(client, "tcp", globalOf(2, 3), 8080)).toBe(globalOf(1, 3));
    const family = isV6 ? 6 : 4;
    const holds = ({ namespace }: Machine, set: string): boolean =>
      lab
        .in(namespace, `nft list set netdev isthmus_shortcut ${set}${family}`)
        .includes(`${globalOf(2, 3)} . tcp . 8080`);
    const [exporting, importing] = [`${west.cluster}/node-1`, `${east.cluster}/node-1`].map(
      machine,
    );
    if (exporting === undefined || importing === undefined) throw new Error("no gateways");
    expect([holds(exporting, "exported"), holds(importing, "imported")]).toEqual([true, true]);
    // A gateway applies nothing else here: what changes is the sets.
    importing.contents.set(west.cluster, []);
    const plan = gatewayPlanOf(east, "node-1", await importing.gateway.slots());
    must(await importing.gateway.apply(mustHave(plan), importing.contents, signal));
    expect(holds(importing, "imported")).toBe(false);
    await applyAll();
    expect(holds(importing, "imported")).toBe(true);
    onAll("nft delete table netdev isthmus_shortcut");
    expect(ask(client, "tcp", globalOf(2, 3), 8080, 1_500)).toBe("silence");
    onAll("nft delete table inet closed");
    expect(ask(client, "tcp", globalOf(2, 3), 8080)).toBe(globalOf(1, 3));
    for (const { gateway, contents } of gateways) {
      expect(must(await gateway.verify(contents, signal))).toBe(true);
    }
    await applyAll();
    expect(holds(importing, "imported")).toBe(true);
  });

  test("somebody's change is noticed and mended", async () => {
    await applyAll();
    const { namespace, gateway, node, contents } = machine(`${east.cluster}/node-1`);
    gateway.forget();
    await applyAll();
    expect(must(await gateway.verify(contents, signal))).toBe(false);
    expect(must(await node.verify(undefined, signal))).toBe(false);
    lab.in(
      namespace,
      "ip addr add 10.9.9.1/24 dev isth-node; ip addr add fd99::1/64 dev isth-node; nft flush chain inet isthmus_gateway from_tunnel; ip -4 rule flush table 15701 2>/dev/null || ip rule del priority 1571; ip -6 rule del priority 1571 || true",
    );
    expect(must(await gateway.verify(contents, signal))).toBe(true);
    expect(must(await node.verify(undefined, signal))).toBe(true);
    // The kernel takes IPv6 away from a link for small packets, and gives it back with an address of its own making.
    lab.in(namespace, "ip link set isth-node mtu 1200; ip link set isth-node mtu 1400");
    await applyAll();
    expect(must(await gateway.verify(contents, signal))).toBe(false);
    if (must(await node.verify(undefined, signal))) await applyAll();
    expect(must(await node.verify(undefined, signal))).toBe(false);
    const client = mustHave(pods.get(`${east.cluster}/node-1`));
    expect(ask(client, "tcp", globalOf(2, 3), 8080)).toBe(globalOf(1, 1));
  });

  test("a path carries less, and then again what it carried: so do the routes of nodes and gateways", async () => {
    await applyAll();
    const { namespace } = machine(`${east.cluster}/node-1`);
    for (const bytes of [1_300, undefined]) {
      measured = bytes;
      await applyAt(east, "node-1");
      const routes = lab.in(namespace, "ip -4 route show table all; ip -6 route show table all");
      const sizes = [...routes.matchAll(/ mtu (\d+)/g)].map(([, mtu]) => Number(mtu));
      expect(new Set(sizes)).toEqual(new Set([bytes ?? (isV6 ? 1_430 : 1_450)]));
    }
  });

  test("applying again changes nothing; a restarted process finds all as it should be", async () => {
    await applyAll();
    const before = machineStates();
    await applyAll();
    expect(machineStates()).toEqual(before);
    for (const { node, gateway } of machines.values()) {
      node.forget();
      gateway.forget();
    }
    await applyAll();
    expect(machineStates()).toEqual(before);
  });

  test("with one gateway of each side gone flows take the other", async () => {
    await applyAll();
    isDown.add(gatewayName(east.cluster, "node-1")).add(gatewayName(west.cluster, "node-2"));
    await applyAll();
    const client = mustHave(pods.get(`${east.cluster}/node-3`));
    for (let round = 0; round < 5; round += 1) {
      expect(ask(client, "udp", globalOf(2, 3), 8080)).toBe(globalOf(1, 3));
    }
  });

  test("UDP answers come back through the gateways that have seen the request, whichever they are", async () => {
    await applyAll();
    const client = mustHave(pods.get(`${east.cluster}/node-3`));
    for (let round = 0; round < 16; round += 1) {
      expect(ask(client, "udp", globalOf(2, 3), 8080)).toBe(globalOf(1, 3));
    }
  });

  test("cleanup leaves the machine as it was, whichever of the two goes first", async () => {
    await applyAll();
    let nodeFirst = true;
    for (const { node, gateway, namespace, before } of machines.values()) {
      for (const each of nodeFirst ? [node, gateway] : [gateway, node]) {
        must(await each.cleanup(signal));
      }
      expect(lab.state(namespace)).toBe(before);
      nodeFirst = !nodeFirst;
    }
  });

  function machineStates(): readonly string[] {
    return [...machines.values()].map(({ namespace }) =>
      lab
        .state(namespace)
        .replace(/packets \d+ bytes \d+/g, "")
        .replace(/unbalanced_time [\d.]+/g, ""),
    );
  }
});

function mustHave<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("must be there");
  return value;
}
