import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PODS, type PodPlace } from "../../api/kube/pod.ts";
import type { PodProcess } from "../../sandbox/network/netns/pod/pod-process.ts";
import { mustRunIn, runIn } from "../../sandbox/network/netns/run-commands.ts";
import { HTTP, NetService } from "./harness/net-service.ts";
import { NetWorld } from "./harness/net-world.ts";
import { httpFrom } from "./harness/talk.ts";

/** A slice from the hub's policy file to DNS, gateways and queues, with the program's own processes alone. */
const directory = mkdtempSync(join(tmpdir(), "isthmus-slice-"));
const policy = join(directory, "policy.yaml");
let world: NetWorld;
let service: NetService;

/** Of the first slice in a gateway's rules; its table is there without slices, too. */
const SLICE_CHAIN = "chain pass_0";
const CEILING_MBIT = 4;
const BYTES = 1_000_000;
/** What the ceiling lets through in no less than two seconds, bursts and all; a slow machine only takes longer. */
const LEAST_MS = 1_000;

function say(slices: object): void {
  writeFileSync(`${policy}.new`, JSON.stringify({ slices }));
  renameSync(`${policy}.new`, policy);
}

beforeAll(async () => {
  say({
    pay: {
      clusters: ["a", "b"],
      namespaces: ["shop"],
      podSelector: { matchLabels: { tier: "backend" } },
      bandwidth: { ceiling: `${CEILING_MBIT}Mbit` },
    },
  });
  world = await NetWorld.start(
    { clusters: ["a", "b"] },
    {
      backends: ["vxlan"],
      brokerArgs: ["--policy", policy],
      dnsArgs: ["--slices"],
    },
  );
  service = new NetService(world, "shop");
  await service.deploy(["b"]);
  const [inside, outside] = world.cluster("a").clients;
  await isPod(inside, "inside", { tier: "backend" });
  await isPod(outside, "outside", { tier: "frontend" });
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

/** Makes a client's address that of a pod that Kubernetes knows. */
async function isPod(
  client: PodProcess | undefined,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  const listed = await mustRunIn(client?.namespace ?? "", [
    "ip",
    "-4",
    "-o",
    "addr",
    "show",
    "scope",
    "global",
  ]);
  const ip = /inet ([\d.]+)\//.exec(listed)?.[1];
  if (ip === undefined) throw new Error(`no address in ${listed}`);
  const metadata = { namespace: "shop", name, labels };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    // On a node that nobody keeps: it is not started, and its status is nobody else's.
    spec: { nodeName: "elsewhere", containers: [{ name: "idle", image: "sandbox/echo" }] },
  };
  await world.create("a", PODS, pod);
  const status: PodPlace["status"] = { phase: "Running", podIPs: [{ ip }] };
  const patched = await world
    .cluster("a")
    .kube.mergePatch(
      { resource: PODS, namespace: "shop", name },
      { status },
      { signal: AbortSignal.timeout(30_000), subresource: "status" },
    );
  if (!patched.ok) throw new Error(patched.error.message);
}

/** What a client is answered that asks the DNS server of its cluster itself: addresses, or the code. */
async function resolve(client: PodProcess | undefined): Promise<string> {
  const [server = ""] = world.cluster("a").dnsAddresses;
  const { stdout } = await runIn(client?.namespace ?? "", [
    ...["dig", "+tries=1", "+time=5", `@${server}`, "web.shop.svc.clusterset.local", "A"],
  ]);
  const code = /status: ([A-Z]+)/.exec(stdout)?.[1] ?? "no answer";
  const addresses = stdout.match(/\sA\s([\d.]+)$/m)?.[1];
  return addresses ?? code;
}

/** Of all gateways: those in whose kernel something is that slices bring. */
async function traces(): Promise<readonly string[]> {
  const nodes = world.clusterset.clusters.flatMap(({ plan }) => plan.nodes);
  const found = await Promise.all(
    nodes.map(async ({ namespace }) => {
      const rules = await runIn(namespace, ["nft", "list", "ruleset"]);
      const queues = await runIn(namespace, ["tc", "qdisc", "show"]);
      return [
        ...(rules.stdout.includes(SLICE_CHAIN) ? [`${namespace} rules`] : []),
        ...(queues.stdout.includes("htb") ? [`${namespace} queues`] : []),
      ];
    }),
  );
  return found.flat();
}

test("a slice is seen and reached from inside alone, has its ceiling, and leaves nothing when it goes", async () => {
  const [inside, outside] = world.cluster("a").clients;
  const [endpoint] = await service.offered("a", ["b"]);
  const address = endpoint?.address ?? "";
  const ip = await service.clustersetIp("a");
  await world.until("rules and queues on all four gateways", async () =>
    (await traces()).length === 8 ? true : undefined,
  );
  await world.until("the one inside to be answered by name", async () =>
    (await resolve(inside)) === ip ? true : undefined,
  );
  await world.until("the one outside to be told of no such name", async () =>
    (await resolve(outside)) === "NXDOMAIN" ? true : undefined,
  );
  await world.until("the one inside to be let through", async () =>
    (await httpFrom(inside, address, HTTP)).cluster === "b" ? true : undefined,
  );
  // The nodes' service rules follow the slices.
  await world.until("the one inside to be let through at the clusterset IP", async () =>
    (await httpFrom(inside, ip, 80)).cluster === "b" ? true : undefined,
  );
  for (const [host, port] of [
    [address, HTTP],
    [ip, 80],
  ] as const) {
    await world.until(`the one outside to be refused at ${host}`, async () =>
      (await httpFrom(outside, host, port)).cluster === "ECONNREFUSED" ? true : undefined,
    );
  }

  const startMs = performance.now();
  const path = `/bytes?n=${BYTES}`;
  const answer = await inside?.ask({ kind: "http", host: address, port: HTTP, path });
  expect(answer).toMatchObject({ kind: "http", bytes: BYTES });
  expect(performance.now() - startMs).toBeGreaterThan(LEAST_MS);

  say({});
  await world.until("the slice's rules and queues to be gone", async () =>
    (await traces()).length === 0 ? true : undefined,
  );
  await world.until("the one who was outside to be let through", async () =>
    (await httpFrom(outside, address, HTTP)).cluster === "b" ? true : undefined,
  );
  await world.until("it to be answered by name", async () =>
    (await resolve(outside)) === ip ? true : undefined,
  );
});
