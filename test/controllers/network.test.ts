import { expect, test } from "vitest";
import { EVENTS, type KubeEvent } from "../../api/kube/event.ts";
import { microTime } from "../../api/kube/micro-time.ts";
import { NODES, type Node } from "../../api/kube/node.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import { type Cidr, cidrsOverlap, containsCidr, parseCidr } from "../../api/network/cidr.ts";
import { MEMBER_NETWORKS, PATH_REPORTS, PEERS } from "../../api/network/resources.ts";
import { parsePolicy } from "../../broker/policy/parse-policy.ts";
import { LABEL_GATEWAY } from "../../connectivity/vxlan/election/elect-gateways.ts";
import { SILENT_MS } from "../../controllers/network/silent-reports.ts";
import { NetworkWorld } from "./network-world.ts";
import type { TestCluster } from "./test-cluster.ts";

const signal = new AbortController().signal;

async function addNode(
  cluster: TestCluster,
  name: string,
  podCidr: string,
  ip: string,
  labels: Readonly<Record<string, string>> = {},
) {
  const node: Node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels },
    spec: { podCIDRs: [podCidr] },
  };
  await cluster.create(NODES, node);
  await cluster.admin.mergePatch(
    { resource: NODES, name },
    {
      status: {
        addresses: [{ type: "InternalIP", address: ip }],
        conditions: [{ type: "Ready", status: "True" }],
      },
    },
    { signal, subresource: "status" },
  );
}

/** Names of the gateways in a MemberNetwork or a Peer. */
async function gatewaysOf(
  cluster: TestCluster,
  resource: typeof PEERS,
  name: string,
): Promise<readonly string[]> {
  const spec = (await read(cluster, resource, name)) as { gateways: { node: string }[] };
  return spec.gateways.map(({ node }) => node);
}

function report(world: NetworkWorld, node: string): KubeObject & { spec: unknown } {
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

async function twoMembers(world: NetworkWorld) {
  const a = await world.members.cluster("a");
  const b = await world.members.cluster("b");
  await addNode(a, "n1", "10.1.0.0/24", "172.18.0.1");
  await addNode(a, "n2", "10.1.1.0/24", "172.18.0.2");
  await addNode(b, "m1", "10.1.0.0/24", "172.19.0.1");
  return { a, b };
}

test("a member tells its peers and itself about its network: pod networks of its Nodes, global addresses of the hub, an address for each node", async () => {
  await using world = new NetworkWorld();
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

test("gateways that report are told to peers with their addresses; when all fall silent they are not ready, and still told: the paths may live", async () => {
  await using world = new NetworkWorld();
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
  expect(await read(b, PEERS, "a")).toMatchObject({ gateways: [gateway] });
  expect(await read(a, MEMBER_NETWORKS, "local")).toMatchObject({ gateways: [{ ready: false }] });
});

test("of nodes that run gateways two are elected; who falls silent is replaced, for the own cluster and for peers", async () => {
  await using world = new NetworkWorld();
  const { a, b } = await twoMembers(world);
  await addNode(a, "n3", "10.1.2.0/24", "172.18.0.3");
  // Runs none, so it is not elected whatever its weight.
  await addNode(a, "n4", "10.1.3.0/24", "172.18.0.4");
  world.start(a);
  world.start(b);
  await world.advance(5000);
  for (const node of ["n1", "n2", "n3"]) await a.create(PATH_REPORTS, report(world, node));
  await world.advance(5000);
  const elected = await gatewaysOf(a, MEMBER_NETWORKS, "local");
  expect(elected).toHaveLength(2);
  expect(await gatewaysOf(b, PEERS, "a")).toEqual(elected);
  const [silent] = elected;
  const others = ["n1", "n2", "n3"].filter((node) => node !== silent);
  for (let passed = 0; passed < 50_000; passed += 10_000) {
    await world.advance(10_000);
    for (const name of others)
      await a.admin.mergePatch(
        { resource: PATH_REPORTS, name },
        { spec: { renewedAt: microTime(world.members.clock.nowMs()) } },
        { signal },
      );
  }
  expect(await gatewaysOf(a, MEMBER_NETWORKS, "local")).toEqual(others);
  expect(await gatewaysOf(b, PEERS, "a")).toEqual(others);
});

test("a report that nobody renews is removed after an hour, where it is ours and others are renewed", async () => {
  await using world = new NetworkWorld();
  const { a } = await twoMembers(world);
  world.start(a);
  await world.advance(5_000);
  const ours = (node: string): KubeObject => {
    const { metadata, ...rest } = report(world, node);
    return { ...rest, metadata: { ...metadata, labels: { [LABEL_MANAGED_BY]: MANAGED_BY } } };
  };
  for (const made of [ours("n1"), ours("gone"), report(world, "foreign")])
    await a.create(PATH_REPORTS, made);
  const left = async (): Promise<readonly string[]> =>
    (await a.list<KubeObject>(PATH_REPORTS)).map(({ metadata }) => metadata.name).toSorted();
  // Nobody renews anything: as when the API server takes no writes.
  await world.advance(SILENT_MS + 60_000);
  expect(await left()).toEqual(["foreign", "gone", "n1"]);
  const renewedAt = microTime(world.members.clock.nowMs());
  const renewed = { resource: PATH_REPORTS, name: "n1" };
  await a.admin.mergePatch(renewed, { spec: { renewedAt } }, { signal });
  await world.advance(20_000);
  expect(await left()).toEqual(["foreign", "n1"]);
});

test("labelled nodes are the gateways, all of them; of those only the ready ones are told to peers", async () => {
  await using world = new NetworkWorld();
  const { a, b } = await twoMembers(world);
  const label = { [LABEL_GATEWAY]: "true" };
  for (const at of [3, 4, 5])
    await addNode(a, `n${at}`, `10.1.${at}.0/24`, `172.18.0.${at}`, label);
  world.start(a);
  world.start(b);
  await world.advance(5000);
  await a.create(PATH_REPORTS, report(world, "n3"));
  await world.advance(28_000);
  for (const node of ["n1", "n4", "n5"]) await a.create(PATH_REPORTS, report(world, node));
  await world.advance(15_000);
  expect(await read(a, MEMBER_NETWORKS, "local")).toMatchObject({
    gateways: [
      { node: "n3", ready: false },
      { node: "n4", ready: true },
      { node: "n5", ready: true },
    ],
  });
  expect(await gatewaysOf(b, PEERS, "a")).toEqual(["n4", "n5"]);
  // The last label goes: two of those that run one are elected.
  for (const name of ["n3", "n4", "n5"])
    await a.admin.mergePatch(
      { resource: NODES, name },
      { metadata: { labels: { [LABEL_GATEWAY]: "false" } } },
      { signal },
    );
  await world.advance(2000);
  expect(await gatewaysOf(a, MEMBER_NETWORKS, "local")).toEqual(["n1"]);
});

test("an unchanged world sees no write, not of a new process either, and nobody is told less meanwhile (I6, I9)", async () => {
  await using world = new NetworkWorld();
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
  await using world = new NetworkWorld();
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

async function problems(cluster: TestCluster): Promise<unknown> {
  const got = await cluster.admin.get({ resource: MEMBER_NETWORKS, name: "local" }, { signal });
  return got.ok ? Reflect.get(got.value, "status") : got.error.kind;
}

async function warnings(cluster: TestCluster): Promise<readonly string[]> {
  const listed = await cluster.admin.list<KubeEvent>(EVENTS, {}, { signal });
  if (!listed.ok) throw new Error(listed.error.message);
  return listed.value.items
    .filter(({ type }) => type === "Warning")
    .map(({ reason, note, regarding }) => `${regarding?.kind} ${reason}: ${note}`)
    .toSorted();
}

test("networks that nobody can have, and more than the protocol takes, cost paths and not discovery: told in status, once as Events", async () => {
  await using world = new NetworkWorld();
  const { a, b } = await twoMembers(world);
  const apart = Array.from({ length: 70 }, (_, at) => `${at + 11}.0.0.0/24`);
  const stop = world.start(a, ["127.0.0.0/8", "fe80::/64", ...apart]);
  world.start(b);
  await world.advance(15_000);
  const link = world.links.get(a.id);
  expect([link?.hasSynced("shop"), link?.status().kind]).toEqual([true, "connected"]);
  expect(await read(b, PEERS, "a")).toMatchObject({ podCidrs: apart.slice(0, 64) });
  const told = [
    "pod network not used, --cidrs: must not meet 127.0.0.0/8: got 127.0.0.0/8",
    "pod network not used, --cidrs: must not meet fe80::/10: got fe80::/64",
    expect.stringMatching(/pod networks must come to at most 64, --cidrs: 6 more are not reached/),
  ];
  expect(await problems(a)).toEqual({ problems: told });
  const events = await warnings(a);
  expect(events).toHaveLength(3);
  expect(events[0]).toMatch(/^MemberNetwork NetworkProblem: pod network not used/);
  // Mended: what was told is taken back, and a new process tells nothing that is known (I9).
  await stop();
  world.start(a, ["10.1.0.0/16"]);
  await world.advance(15_000);
  expect(await problems(a)).toEqual({ problems: [] });
  expect(await warnings(a)).toEqual(events);
});

const HUNDREDS_TIMEOUT_MS = 120_000;

test("a cluster of hundreds of Nodes works without --cidrs, and keeps its global addresses while it grows", {
  timeout: HUNDREDS_TIMEOUT_MS,
}, async () => {
  await using world = new NetworkWorld();
  const a = await world.members.cluster("a");
  const b = await world.members.cluster("b");
  await addNode(b, "m1", "10.65.40.0/24", "172.19.0.1");
  world.start(b);
  await world.advance(5000);
  const add = async (from: number, to: number): Promise<void> => {
    for (let at = from; at < to; at++) {
      const podCidr = `10.${64 + Math.floor(at / 256)}.${at % 256}.0/24`;
      await addNode(a, `n${at}`, podCidr, `172.18.${Math.floor(at / 256)}.${at % 256}`);
    }
  };
  await add(0, 200);
  world.start(a);
  await world.advance(15_000);
  expect(await read(b, PEERS, "a")).toMatchObject({ podCidrs: ["10.64.0.0/16"] });
  const before = (await read(a, MEMBER_NETWORKS, "local")) as { globalPrefixes: unknown[] };
  expect(before.globalPrefixes).toHaveLength(1);
  await add(200, 280);
  await world.advance(15_000);
  const { podCidrs } = (await read(b, PEERS, "a")) as { podCidrs: string[] };
  expect(podCidrs[0]).toBe("10.64.0.0/16");
  // The next /16 has a network of b in it: not taken, though the rest of it is.
  const [last, others] = [cidrOf("10.65.23.0/24"), cidrOf("10.65.40.0/24")];
  expect(podCidrs.some((text) => containsCidr(cidrOf(text), last))).toBe(true);
  expect(podCidrs.some((text) => cidrsOverlap(cidrOf(text), others))).toBe(false);
  expect(podCidrs.length).toBeLessThan(24);
  expect(await read(a, MEMBER_NETWORKS, "local")).toMatchObject({
    globalPrefixes: expect.arrayContaining(before.globalPrefixes),
  });
});

function cidrOf(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

test("of a refused network row the hub's reason is told where the cluster's people look", async () => {
  await using world = new NetworkWorld();
  const { a, b } = await twoMembers(world);
  const policy = parsePolicy("clusters: { a: { cidrs: [10.9.0.0/16] } }");
  if (!policy.ok) throw new Error(policy.error);
  world.members.hubPolicy.set(policy.value);
  world.start(a);
  world.start(b);
  await world.advance(15_000);
  expect(await problems(a)).toEqual({
    problems: [expect.stringMatching(/^refused by the hub: pod network must lie in the cidrs/)],
  });
  expect(await problems(b)).toBeUndefined();
});
