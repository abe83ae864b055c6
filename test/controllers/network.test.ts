import { expect, test } from "vitest";
import { microTime } from "../../api/kube/micro-time.ts";
import { NODES, type Node } from "../../api/kube/node.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { MEMBER_NETWORKS, PATH_REPORTS, PEERS } from "../../api/network/resources.ts";
import { MemoryBroker } from "../../broker/client/memory/memory-broker.ts";
import { parsePools } from "../../broker/globals/block-book.ts";
import { GlobalAddresses } from "../../broker/globals/global-addresses.ts";
import { SpaceRecords } from "../../broker/shared/space-records.ts";
import { MemorySpace } from "../../broker/store/space/memory/memory-space.ts";
import { MemorySpaceServer } from "../../broker/store/space/memory/memory-space-server.ts";
import { NetworkPublisher } from "../../controllers/network/network-publisher.ts";
import { unchanging } from "../../runtime/config/changing.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { silentMeter as meter } from "../../runtime/metrics/silent-meter.ts";
import { MemberWorld } from "./member-world.ts";
import type { TestCluster } from "./test-cluster.ts";

const signal = new AbortController().signal;

/** Two members whose controllers take part in connectivity, over one hub that gives global addresses. */
class World implements AsyncDisposable {
  readonly members = new MemberWorld();
  readonly broker: MemoryBroker;
  readonly #stops: AbortController[] = [];

  constructor() {
    const { clock, random } = this.members;
    const records = new SpaceRecords(new MemorySpace(new MemorySpaceServer()));
    const pools = parsePools(["242.0.0.0/8"]);
    if (!pools.ok) throw new Error(pools.error);
    const table = { departed: () => undefined, member: () => undefined };
    const globals = new GlobalAddresses(pools.value, { records, table, clock, random, log });
    this.broker = new MemoryBroker({ globals }, this.members);
  }

  /** Returns what stops its process. */
  start(cluster: TestCluster): () => Promise<void> {
    const { clock, random } = this.members;
    const stop = new AbortController();
    this.#stops.push(stop);
    const link = this.broker.link(cluster.id, 1, [], true);
    link.setNamespaces(new Set());
    link.start(stop.signal);
    link.markOwnComplete();
    const publisher = new NetworkPublisher(
      {
        cluster: cluster.id,
        settings: { podCidrs: [], serviceCidrs: ["10.96.0.0/16"], encryption: "none" },
        abilities: unchanging({ backends: ["vxlan"], responders: [] }),
        fixed: [],
      },
      { client: cluster.client, link, clock, random, log, meter },
    );
    void publisher.run(stop.signal);
    return async () => {
      stop.abort();
      await clock.advance(6000);
    };
  }

  advance(ms: number): Promise<void> {
    return this.members.clock.advance(ms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops) stop.abort();
    this.broker.stop();
    await this.advance(6000);
    await this.members[Symbol.asyncDispose]();
  }
}

async function addNode(cluster: TestCluster, name: string, podCidr: string, ip: string) {
  const node: Node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    spec: { podCIDRs: [podCidr] },
  };
  await cluster.create(NODES, node);
  await cluster.admin.mergePatch(
    { resource: NODES, name },
    { status: { addresses: [{ type: "InternalIP", address: ip }] } },
    { signal, subresource: "status" },
  );
}

function report(world: World, node: string): KubeObject & { spec: unknown } {
  const spec = {
    role: "gateway",
    node,
    endpoints: ["192.0.2.1"],
    port: 4790,
    paths: [],
    renewedAt: microTime(world.members.clock.nowMs()),
  };
  return { apiVersion: "isthmus.dev/v1alpha1", kind: "PathReport", metadata: { name: node }, spec };
}

async function read(cluster: TestCluster, resource: typeof PEERS, name: string): Promise<unknown> {
  const got = await cluster.admin.get({ resource, name }, { signal });
  return got.ok ? Reflect.get(got.value, "spec") : got.error.kind;
}

async function twoMembers(world: World) {
  const a = await world.members.cluster("a");
  const b = await world.members.cluster("b");
  await addNode(a, "n1", "10.1.0.0/24", "172.18.0.1");
  await addNode(a, "n2", "10.1.1.0/24", "172.18.0.2");
  await addNode(b, "m1", "10.1.0.0/24", "172.19.0.1");
  return { a, b };
}

test("a member tells its peers and itself about its network: pod networks of its Nodes, global addresses of the hub, an address for each node", async () => {
  await using world = new World();
  const { a, b } = await twoMembers(world);
  world.start(a);
  world.start(b);
  await world.advance(5000);
  expect(await read(a, MEMBER_NETWORKS, "local")).toEqual({
    cluster: "a",
    podCidrs: ["10.1.0.0/24", "10.1.1.0/24"],
    serviceCidrs: ["10.96.0.0/16"],
    globalPrefixes: [
      { cidr: "10.1.0.0/24", global: expect.stringMatching(/^242\..*\/24$/) },
      { cidr: "10.1.1.0/24", global: expect.stringMatching(/^242\..*\/24$/) },
    ],
    nodePrefixes: [expect.stringMatching(/^242\..*\/24$/)],
    nodeAddresses: { n1: [expect.stringMatching(/\.1$/)], n2: [expect.stringMatching(/\.2$/)] },
    gateways: [],
    encryption: "none",
  });
  const own = (await read(a, MEMBER_NETWORKS, "local")) as { globalPrefixes: unknown };
  expect(await read(b, PEERS, "a")).toMatchObject({
    cluster: "a",
    podCidrs: ["10.1.0.0/24", "10.1.1.0/24"],
    globalPrefixes: own.globalPrefixes,
    backends: ["vxlan"],
    gateways: [],
  });
  expect(await read(a, PEERS, "b")).toMatchObject({ podCidrs: ["10.1.0.0/24"] });
  expect(await read(a, PEERS, "a")).toBe("not-found");
});

test("gateways that report are told to peers with their addresses, and no more once they fall silent", async () => {
  await using world = new World();
  const { a, b } = await twoMembers(world);
  world.start(a);
  world.start(b);
  await world.advance(5000);
  await a.create(PATH_REPORTS, report(world, "n1"));
  await world.advance(5000);
  const gateway = {
    node: "n1",
    port: 4790,
    tunnelAddresses: [expect.stringMatching(/^242\..*\.1$/)],
  };
  expect(await read(b, PEERS, "a")).toMatchObject({
    gateways: [{ ...gateway, endpoints: ["192.0.2.1"] }],
  });
  expect(await read(a, MEMBER_NETWORKS, "local")).toMatchObject({
    gateways: [{ ...gateway, internalIps: ["172.18.0.1"], ready: true }],
  });
  await world.advance(45_000);
  expect(await read(b, PEERS, "a")).toMatchObject({ gateways: [] });
  expect(await read(a, MEMBER_NETWORKS, "local")).toMatchObject({ gateways: [{ ready: false }] });
});

test("an unchanged world sees no write, not of a new process either, and nobody is told less meanwhile (I6, I9)", async () => {
  await using world = new World();
  const { a, b } = await twoMembers(world);
  const stop = world.start(a);
  world.start(b);
  await world.advance(5000);
  const sequence = world.broker.store.table.owner(a.id)?.sequence;
  a.clearWrites();
  b.clearWrites();
  await stop();
  world.start(a);
  await world.advance(60_000);
  expect([a.writes, b.writes]).toEqual([[], []]);
  expect(world.broker.store.table.owner(a.id)?.sequence).toBe(sequence);
});

test("a peer that left is removed", async () => {
  await using world = new World();
  const { a, b } = await twoMembers(world);
  world.start(a);
  const stop = world.start(b);
  await world.advance(5000);
  expect(await read(a, PEERS, "b")).toMatchObject({ cluster: "b" });
  await stop();
  await world.broker.store.removeMember(b.id);
  await world.advance(5000);
  expect(await read(a, PEERS, "b")).toBe("not-found");
});
