import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { PodPlace } from "../../../api/kube/pod.ts";
import { must } from "../../../api/result.ts";
import { parseSlice } from "../../../api/slices/parse-slice.ts";
import { SliceSet } from "../../../api/slices/slice-set.ts";
import { withSlices } from "../../../connectivity/slices/with-slices.ts";
import { Dataplane } from "../../../connectivity/vxlan/linux/dataplane.ts";
import { gatewayOwnership, nodeAgentOwnership } from "../../../connectivity/vxlan/ownership.ts";
import { withAudiences } from "../../../connectivity/vxlan/plan/audience-table.ts";
import { example, slice } from "../../../connectivity/vxlan/plan/example.fixture.ts";
import { FilterContents, sliceElements } from "../../../connectivity/vxlan/plan/filter-contents.ts";
import { gatewayName } from "../../../connectivity/vxlan/plan/networks.ts";
import { planGateway } from "../../../connectivity/vxlan/plan/plan-gateway.ts";
import { planNode } from "../../../connectivity/vxlan/plan/plan-node.ts";
import { DEFAULT_VXLAN_SETTINGS } from "../../../connectivity/vxlan/plan/settings.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { filesIn, NetLab, runIn } from "./net-lab.ts";

const settings = DEFAULT_VXLAN_SETTINGS;
const { signal } = new AbortController();
const SHOP = 5;
const SHOP_DB = 6;
const DEV = 7;
const PAY = 8;
const NAMESPACES: Readonly<Record<number, string>> = {
  [SHOP]: "shop",
  [SHOP_DB]: "shop",
  [DEV]: "dev",
  [PAY]: "pay",
};

type Example = ReturnType<typeof example>;

/** Two clusters of one node, which is its own gateway, with four pods each. */
describe("slices at gateways, in the kernel", () => {
  const lab = new NetLab();
  const directory = mkdtempSync(join(tmpdir(), "isthmus-slices-"));
  const options = { nodes: 1, gateways: 1 };
  const [east, west] = [example(1, "v4", options), example(2, "v4", options)] as const;
  const machines = new Map<Example, Machine>();
  const servers: ChildProcess[] = [];
  /** Of each host's export, where it is for chosen clusters. */
  const audiences = new Map<number, string>();

  interface Machine {
    readonly namespace: string;
    readonly before: string;
    readonly pods: ReadonlyMap<number, string>;
    readonly node: Dataplane;
    readonly gateway: Dataplane;
    readonly contents: FilterContents;
  }

  beforeAll(() => {
    const names = [east, west].map((own) => lab.namespace(`sl-${own.cluster}`));
    lab.sh(
      `ip -n ${names[0]} link add eth0 type veth peer name eth0 netns ${names[1]}
${names.map((name, at) => `ip -n ${name} addr add 172.20.${at + 1}.1/16 dev eth0; ip -n ${name} link set eth0 up`).join("\n")}`,
    );
    for (const [at, own] of [east, west].entries()) {
      const namespace = names[at] ?? "";
      const pods = new Map(
        [SHOP, SHOP_DB, DEV, PAY].map((host) => [host, addPod(namespace, host)]),
      );
      const where = { run: runIn(namespace), files: filesIn(lab, namespace), log: silentLogger };
      const stateDir = join(directory, own.cluster);
      const dataplane = (owner: string, rest: Pick<Options, "ownership">): Dataplane =>
        new Dataplane({ owner, stateDir, ...rest }, where);
      machines.set(own, {
        namespace,
        pods,
        before: lab.state(namespace),
        contents: new FilterContents(),
        node: dataplane("node-agent", {
          ownership: nodeAgentOwnership(settings),
        }),
        gateway: dataplane("gateway", {
          ownership: gatewayOwnership(settings),
        }),
      });
    }
  });

  afterAll(() => {
    for (const server of servers) server.kill("SIGKILL");
    lab.close();
    rmSync(directory, { recursive: true, force: true });
  });

  function addPod(namespace: string, host: number): string {
    const pod = lab.namespace(`${namespace.slice(-5)}-p${host}`);
    lab.sh(`ip -n ${namespace} link add pod${host} type veth peer name eth0 netns ${pod}
ip -n ${namespace} link set pod${host} up
ip -n ${namespace} addr add 10.0.1.1/32 dev pod${host}
ip -n ${namespace} route add 10.0.1.${host}/32 dev pod${host}
ip -n ${pod} addr add 10.0.1.${host}/24 dev eth0
ip -n ${pod} link set eth0 up
ip -n ${pod} route add default via 10.0.1.1`);
    serve(pod, [process.execPath, join(import.meta.dirname, "echo-pod.ts"), "8080"]);
    serve(pod, ["iperf3", "-s"]);
    for (const port of [8080, 5201]) lab.listening(pod, port);
    return pod;
  }

  function serve(pod: string, command: readonly string[]): void {
    servers.push(spawn("ip", ["netns", "exec", pod, ...command], { stdio: "ignore" }));
  }

  function machine(own: Example): Machine {
    const found = machines.get(own);
    if (found === undefined) throw new Error(`no machine of ${own.cluster}`);
    return found;
  }

  function pod(own: Example, host: number): string {
    return machine(own).pods.get(host) ?? "";
  }

  /** @returns the source address that the server saw, or what became of the attempt. */
  function ask(from: string, host: number, limitMs = 15_000): string {
    const script = join(import.meta.dirname, "ask.ts");
    return lab.in(from, `${process.execPath} ${script} tcp 242.2.1.${host} 8080 ${limitMs}`);
  }

  function ping(from: string, host: number, seconds = 15): boolean {
    const script = `ping -c1 -w${seconds} 242.2.1.${host} >/dev/null && echo yes || echo no`;
    return lab.in(from, script) === "yes\n";
  }

  function endpointsSeenBy(own: Example): readonly EndpointSlice[] {
    return [east, west].flatMap((exporter, at) =>
      [SHOP, SHOP_DB, DEV, PAY].map((host) => {
        const address = exporter === own ? `10.0.1.${host}` : `242.${at + 1}.1.${host}`;
        const made = slice(exporter.cluster, [address], [{ port: 8080 }, { port: 5201 }]);
        const namespace = NAMESPACES[host] ?? "";
        const exportTo = audiences.get(host);
        const annotations =
          exportTo === undefined ? {} : { annotations: { "isthmus.dev/export-to": exportTo } };
        return {
          ...made,
          metadata: { ...made.metadata, name: `s${host}`, namespace, ...annotations },
        };
      }),
    );
  }

  async function apply(own: Example, slices: SliceSet, lineRate = 1e9): Promise<void> {
    const at = machine(own);
    const other = own === east ? west : east;
    const through = own.gatewayNames.map((node) => gatewayName(other.cluster, node));
    const shared = { network: own.own, node: "node-1", settings };
    const peers = [{ ...other.peer, through: own.gatewayNames }];
    const node = planNode({ ...shared, peers, outerMtu: 1500, slots: await at.node.slots() });
    const gateway = planGateway({
      ...shared,
      peers: [{ ...other.peer, through }],
      outer: { local: own.facts[0]?.internalIps ?? [], mtu: 1500 },
      slots: await at.gateway.slots(),
    });
    if (node === undefined || gateway === undefined) throw new Error("no plan");
    const peersOf = new Map([[other.cluster, other.peer.prefixes]]);
    const scope = {
      own: own.cluster,
      maps: own.own.maps,
      peers: peersOf,
      peerMaps: new Map([[other.cluster, other.peer.maps]]),
    };
    const endpoints = endpointsSeenBy(own);
    for (const [index, each] of endpoints.entries()) {
      at.contents.set(`${index}`, sliceElements(each, scope));
    }
    must(await at.node.apply(node, undefined, signal));
    const pods = [SHOP, SHOP_DB, DEV, PAY].map(podObject);
    const plan = withSlices(withAudiences(gateway, { endpoints, scope }), {
      slices,
      pods,
      endpoints,
      scope,
      lineRate,
    });
    must(await at.gateway.apply(plan, at.contents, signal));
  }

  async function applyBoth(slices: SliceSet, lineRate?: number): Promise<void> {
    for (const own of [east, west]) await apply(own, slices, lineRate);
  }

  /** Megabits per second that arrive in the pods of these hosts, all sent to at once from those of the same number. */
  async function throughput(
    streams: readonly { readonly host: number; readonly parallel: number }[],
  ): Promise<readonly number[]> {
    return Promise.all(
      streams.map(async ({ host, parallel }) => {
        const args = ["-c", `242.2.1.${host}`, "-t", "6", "-O", "2", "-J", "-P", `${parallel}`];
        const client = spawn("ip", ["netns", "exec", pod(east, host), "iperf3", ...args]);
        let text = "";
        client.stdout.on("data", (chunk: Buffer) => {
          text += chunk.toString();
        });
        await once(client, "close");
        const result: { end?: { sum_received?: { bits_per_second: number } }; error?: string } =
          JSON.parse(text);
        const rate = result.end?.sum_received?.bits_per_second;
        if (rate === undefined) throw new Error(`iperf3: ${result.error ?? text}`);
        return rate / 1e6;
      }),
    );
  }

  test("without slices every exported endpoint answers every pod; no queue, no rules", async () => {
    await applyBoth(SliceSet.none);
    for (const host of [SHOP, SHOP_DB, DEV]) expect(ask(pod(east, DEV), host)).toBe("242.1.1.7");
    const { namespace } = machine(east);
    expect(lab.in(namespace, "tc qdisc show dev isth-wan")).toContain("noqueue");
    expect(lab.in(namespace, "nft list table inet isthmus_slices")).not.toContain("chain");
  });

  test("a client inside gets through; one of another namespace, without the label or on the host is refused", async () => {
    await applyBoth(
      setOf({ shop: { ...SHOP_SLICE, podSelector: { matchLabels: { app: "web" } } } }),
    );
    expect(ask(pod(east, SHOP), SHOP)).toBe("242.1.1.5");
    expect(ping(pod(east, SHOP), SHOP)).toBe(true);
    for (const outside of [SHOP_DB, DEV]) {
      expect(ask(pod(east, outside), SHOP)).toBe("ECONNREFUSED");
      expect(ping(pod(east, outside), SHOP, 1)).toBe(false);
    }
    expect(ask(machine(east).namespace, SHOP)).toBe("ECONNREFUSED");
    // What is of no slice is as ever, whoever asks.
    for (const anybody of [SHOP, DEV]) {
      expect(ask(pod(east, anybody), DEV)).toBe(`242.1.1.${anybody}`);
    }
  });

  test("a cluster outside is ignored by the exporter's own gateway, whatever the client's lets out", async () => {
    await apply(east, SliceSet.none);
    await apply(west, setOf({ shop: { ...SHOP_SLICE, clusters: ["c2", "c3"] } }));
    expect(ask(pod(east, SHOP), SHOP, 1_500)).toBe("silence");
    expect(ping(pod(east, SHOP), SHOP, 1)).toBe(false);
    expect(ask(pod(east, SHOP), DEV)).toBe("242.1.1.5");
  });

  test("an export for chosen clusters is kept from others by the exporter's own gateway, whatever the client's lets out", async () => {
    audiences.set(SHOP, "c3").set(DEV, "c1,c3");
    await apply(west, SliceSet.none);
    audiences.clear();
    await apply(east, SliceSet.none);
    expect(ask(pod(east, SHOP), SHOP, 1_500)).toBe("silence");
    expect(ping(pod(east, SHOP), SHOP, 1)).toBe(false);
    expect(ask(pod(east, SHOP), DEV)).toBe("242.1.1.5");
    expect(ping(pod(east, SHOP), DEV)).toBe(true);
    expect(ask(pod(east, SHOP), PAY)).toBe("242.1.1.5");
    const { namespace } = machine(west);
    const counters = lab.in(namespace, "nft list counters table inet isthmus_audiences");
    expect(counters).toMatch(/audience_denied_in \{\s+packets [1-9]/);
    await apply(west, SliceSet.none);
    expect(ask(pod(east, SHOP), SHOP)).toBe("242.1.1.5");
  });

  test("a slice never gets more than its ceiling, the others are not held by it", async () => {
    await applyBoth(setOf({ shop: { ...SHOP_SLICE, bandwidth: { ceiling: "20Mbit" } } }));
    const [shop = 0, dev = 0] = await throughput([
      { host: SHOP, parallel: 4 },
      { host: DEV, parallel: 1 },
    ]);
    process.stdout.write(`ceiling of 20: ${shop.toFixed(1)}, without: ${dev.toFixed(0)} Mbit/s\n`);
    // What HTB lets pass at once after a pause comes on top.
    expect(shop).toBeLessThan(25);
    // Forty times as much on two cores with nothing else to do.
    expect(dev).toBeGreaterThan(shop);
  });

  test("a slice keeps its floor when others want more than the line carries", async () => {
    const line = 60e6;
    await applyBoth(
      setOf({
        shop: { ...SHOP_SLICE, bandwidth: { floor: "40Mbit" } },
        pay: { ...SHOP_SLICE, namespaces: ["pay"], bandwidth: { ceiling: "60Mbit" } },
      }),
      line,
    );
    const [shop = 0, ...others] = await throughput([
      { host: SHOP, parallel: 1 },
      { host: PAY, parallel: 8 },
      { host: DEV, parallel: 8 },
    ]);
    const all = others.reduce((sum, rate) => sum + rate, shop);
    process.stdout.write(
      `floor of 40 on a line of 60: ${shop.toFixed(1)} of ${all.toFixed(1)} Mbit/s\n`,
    );
    // Two thirds; one stream of seventeen would have had a seventeenth.
    expect(shop).toBeGreaterThan(all / 4);
    expect(all).toBeLessThan((line / 1e6) * 1.2);
  });

  test("somebody's change of a queue is noticed and mended; slices that go take their queues along; a second time changes nothing", async () => {
    const limited = setOf({ shop: { ...SHOP_SLICE, bandwidth: { ceiling: "20Mbit" } } });
    const { namespace, gateway, contents } = machine(east);
    await apply(east, limited);
    const queues = (): string =>
      lab.in(namespace, "tc qdisc show dev isth-wan; tc class show dev isth-wan");
    const before = queues();
    expect(before).toContain("ceil 20Mbit");
    gateway.forget();
    await apply(east, limited);
    expect(queues()).toBe(before);
    expect(must(await gateway.verify(contents, signal))).toBe(false);
    lab.in(
      namespace,
      "tc qdisc del dev isth-wan root; nft flush chain inet isthmus_slices to_tunnel",
    );
    expect(must(await gateway.verify(contents, signal))).toBe(true);
    await apply(east, limited);
    expect(queues()).toBe(before);
    expect(ask(pod(east, DEV), SHOP)).toBe("ECONNREFUSED");
    await apply(east, SliceSet.none);
    expect(queues()).toContain("noqueue");
    expect(queues()).not.toContain("class");
  });

  test("cleanup leaves the machine as it was", async () => {
    await applyBoth(setOf({ shop: { ...SHOP_SLICE, bandwidth: { ceiling: "20Mbit" } } }));
    for (const { node, gateway, namespace, before } of machines.values()) {
      must(await gateway.cleanup(signal));
      must(await node.cleanup(signal));
      expect(lab.state(namespace)).toBe(before);
    }
  });
});

type Options = ConstructorParameters<typeof Dataplane>[0];

const SHOP_SLICE = { clusters: ["c1", "c2"], namespaces: ["shop"] };

function setOf(documents: Readonly<Record<string, unknown>>): SliceSet {
  const slices = Object.entries(documents).map(([name, document]) =>
    must(parseSlice(name, document)),
  );
  return must(SliceSet.of(slices));
}

function podObject(host: number): PodPlace {
  const labels = { app: host === SHOP_DB ? "db" : "web" };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `p${host}`, namespace: NAMESPACES[host] ?? "", labels },
    status: { phase: "Running", podIPs: [{ ip: `10.0.1.${host}` }] },
  };
}
