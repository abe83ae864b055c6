import { describe, expect, onTestFinished, test, vi } from "vitest";
import { parseCidr } from "../../../api/network/cidr.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { PodDirectory } from "../../network/pod-directory.ts";
import { isPodReady, PODS, type Pod, podIpsOf } from "../kinds/pod.ts";
import { startMemberViews } from "../member-views.ts";
import { LoopbackPods } from "../pod-server/loopback-pods.ts";
import type { PodRuntime } from "../pod-server/pod-runtime.ts";
import { aPod } from "../testing/builders.ts";
import { MemoryKube } from "../testing/memory-kube.ts";
import { Kubelet } from "./kubelet.ts";
import { PodIpPool } from "./pod-ip-pool.ts";
import { READY_ANNOTATION } from "./pod-status.ts";

const signal = new AbortController().signal;

interface Rig {
  readonly kube: MemoryKube;
  readonly directory: PodDirectory;
  readonly kubelet: Kubelet;
}

function aRig(
  kube = new MemoryKube(),
  cidrs = ["10.1.0.0/24"],
  terminationGraceMs = 30,
  runtime?: PodRuntime,
): Rig {
  const directory = new PodDirectory();
  const stopping = new AbortController();
  const shared = {
    kube,
    clock: systemClock,
    random: seededRandom(1),
    log: silentLogger,
    meter: silentMeter,
  };
  const views = startMemberViews(shared, stopping.signal);
  const pools = cidrs.map((text) => {
    const cidr = parseCidr(text);
    if (!cidr.ok) throw new Error(cidr.error);
    return new PodIpPool(cidr.value);
  });
  const kubelet = new Kubelet(
    { cluster: "east", nodeName: "node-1", nodeIp: "10.1.0.251", terminationGraceMs },
    {
      ...shared,
      pods: views.pods,
      pools,
      runtime: runtime ?? new LoopbackPods(directory, systemClock),
    },
  );
  kubelet.start();
  onTestFinished(async () => {
    stopping.abort();
    await kubelet.stop();
  });
  return { kube, directory, kubelet };
}

function podAt(kube: MemoryKube, key = "shop/web-1"): Pod | undefined {
  return kube.find<Pod>(PODS, key);
}

async function running(kube: MemoryKube, key?: string): Promise<Pod> {
  return vi.waitFor(
    () => {
      const pod = podAt(kube, key);
      if (pod?.status?.phase !== "Running") throw new Error("not running yet");
      return pod;
    },
    { timeout: 15_000, interval: 2 },
  );
}

async function eventually(check: () => void): Promise<void> {
  await vi.waitFor(check, { timeout: 15_000, interval: 2 });
}

describe("a new Pod", () => {
  test("is bound, gets an address and servers, and says so in its status", async () => {
    const { kube, directory } = aRig();
    const ports = [
      { name: "http", containerPort: 80 },
      { containerPort: 53, protocol: "UDP" as const },
    ];
    await kube.create(PODS, aPod({ ports }), { signal });
    const pod = await running(kube);
    expect(pod.spec.nodeName).toBe("node-1");
    expect(pod.status).toMatchObject({
      phase: "Running",
      hostIP: "10.1.0.251",
      podIP: "10.1.0.2",
      podIPs: [{ ip: "10.1.0.2" }],
      containerStatuses: [
        { name: "main", image: "web", ready: true, started: true, restartCount: 0 },
      ],
    });
    expect(isPodReady(pod)).toBe(true);
    const sockets = directory.lookup("10.1.0.2");
    expect([[...(sockets?.tcp.keys() ?? [])], [...(sockets?.udp.keys() ?? [])]]).toEqual([
      [80],
      [53],
    ]);
  });

  test("without ports serves TCP 8080", async () => {
    const { kube, directory } = aRig();
    await kube.create(PODS, aPod(), { signal });
    const pod = await running(kube);
    expect([...(directory.lookup(podIpsOf(pod)[0] ?? "")?.tcp.keys() ?? [])]).toEqual([8080]);
  });

  test("in a dual-stack member has an address of each family, primary first", async () => {
    const { kube, directory } = aRig(new MemoryKube(), ["10.1.0.0/24", "fd00:1::/64"]);
    await kube.create(PODS, aPod(), { signal });
    const ips = podIpsOf(await running(kube));
    expect(ips).toEqual(["10.1.0.2", "fd00:1::2"]);
    expect(directory.lookup("fd00:1:0::2")).toBe(directory.lookup("10.1.0.2"));
  });

  test("of another node is left alone", async () => {
    const { kube } = aRig();
    await kube.create(PODS, aPod({ spec: { nodeName: "elsewhere" } }), { signal });
    await kube.create(PODS, aPod({ name: "web-2" }), { signal });
    await running(kube, "shop/web-2");
    expect(podAt(kube)?.status).toBeUndefined();
  });
});

test("the ready annotation drives readiness, both ways, and the transition time moves with it", async () => {
  const { kube } = aRig();
  await kube.create(PODS, aPod({ annotations: { [READY_ANNOTATION]: "false" } }), { signal });
  expect(isPodReady(await running(kube))).toBe(false);
  const target = { resource: PODS, namespace: "shop", name: "web-1" };
  const patch = { metadata: { annotations: { [READY_ANNOTATION]: null } } };
  await kube.mergePatch(target, patch, { signal });
  await eventually(() => expect(podAt(kube)).toSatisfy(isPodReady));
});

test("an unchanged world causes no writes (I9)", async () => {
  const { kube } = aRig();
  await kube.create(PODS, aPod(), { signal });
  await running(kube);
  const before = kube.writes.length;
  // A change that is none of the status's business.
  const target = { resource: PODS, namespace: "shop", name: "web-1" };
  await kube.mergePatch(target, { metadata: { labels: { more: "x" } } }, { signal });
  await kube.create(PODS, aPod({ name: "web-2" }), { signal });
  await running(kube, "shop/web-2");
  const ofFirst = kube.writes.slice(before).filter((write) => write.key === "shop/web-1");
  expect(ofFirst).toEqual([{ verb: "patch", resource: "pods", key: "shop/web-1" }]);
});

describe("deletion", () => {
  test("the pod serves for its grace period, then its servers end and it goes", async () => {
    const { kube, directory } = aRig();
    await kube.create(PODS, aPod(), { signal });
    const pod = await running(kube);
    const [ip = ""] = podIpsOf(pod);
    await kube.delete({ resource: PODS, namespace: "shop", name: "web-1" }, {}, { signal });
    expect(podAt(kube)?.metadata.deletionTimestamp).toBeDefined();
    expect(directory.lookup(ip)).toBeDefined();
    await eventually(() => expect(podAt(kube)).toBeUndefined());
    expect(directory.lookup(ip)).toBeUndefined();
  });

  test("a forced deletion ends the servers too, and a new Pod of the same name gets its own", async () => {
    const { kube, directory } = aRig();
    await kube.create(PODS, aPod(), { signal });
    const [first = ""] = podIpsOf(await running(kube));
    const target = { resource: PODS, namespace: "shop", name: "web-1" };
    await kube.delete(target, {}, { signal, gracePeriodSeconds: 0 });
    await kube.create(PODS, aPod(), { signal });
    const [second = ""] = podIpsOf(await running(kube));
    expect(second).not.toBe(first);
    await eventually(() => expect(directory.lookup(first)).toBeUndefined());
    expect(directory.lookup(second)).toBeDefined();
  });
});

test("a Pod that is deleted while it starts goes, and whoever waits for it to be ready is told", async () => {
  const began = Promise.withResolvers<void>();
  const runtime: PodRuntime = {
    run: ({ signal: wanted }) =>
      new Promise((resolve) => {
        began.resolve();
        wanted?.addEventListener("abort", () => resolve({ ok: false, error: "is to go" }));
      }),
  };
  const { kube } = aRig(undefined, undefined, undefined, runtime);
  await kube.create(PODS, aPod(), { signal });
  await began.promise;
  await kube.delete({ resource: PODS, namespace: "shop", name: "web-1" }, {}, { signal });
  await eventually(() => expect(podAt(kube)).toBeUndefined());
});

describe("faults", () => {
  test("a refused status write is tried again", async () => {
    const kube = new MemoryKube();
    let refusals = 3;
    kube.fail = ({ verb }) =>
      verb === "patch" && refusals-- > 0
        ? { kind: "unavailable", message: "etcd is away" }
        : undefined;
    aRig(kube);
    await kube.create(PODS, aPod(), { signal });
    expect(isPodReady(await running(kube))).toBe(true);
    expect(refusals).toBeLessThan(0);
  });

  test("a used-up CIDR leaves the next Pod pending until an address is free", async () => {
    const { kube } = aRig(new MemoryKube(), ["10.1.0.0/27"]);
    const names = Array.from({ length: 15 }, (_, i) => `p${i}`);
    for (const name of names) await kube.create(PODS, aPod({ name }), { signal });
    const up = (): readonly Pod[] =>
      kube.all<Pod>(PODS).filter((pod) => pod.status?.phase === "Running");
    await eventually(() => expect(up()).toHaveLength(14));
    const [first] = up();
    const name = first?.metadata.name ?? "";
    await kube.delete({ resource: PODS, namespace: "shop", name }, {}, { signal });
    await eventually(() => expect(up()).toHaveLength(14));
    await eventually(() => expect(kube.all<Pod>(PODS)).toHaveLength(14));
    await eventually(() => expect(up()).toHaveLength(14));
  });
});

test("a restarted node gives running Pods their addresses back, and new ones others", async () => {
  const kube = new MemoryKube();
  const first = aRig(kube);
  for (const name of ["a", "b", "c"]) await kube.create(PODS, aPod({ name }), { signal });
  const ipsOf = (): unknown => kube.all<Pod>(PODS).map((pod) => [pod.metadata.name, podIpsOf(pod)]);
  for (const name of ["a", "b", "c"]) await running(kube, `shop/${name}`);
  const before = ipsOf();
  await first.kubelet.stop();
  expect(first.directory.lookup("10.1.0.2")).toBeUndefined();
  const second = aRig(kube);
  await eventually(() => {
    for (const ip of ["10.1.0.2", "10.1.0.3", "10.1.0.4"]) {
      expect(second.directory.lookup(ip)).toBeDefined();
    }
  });
  expect(ipsOf()).toEqual(before);
  await kube.create(PODS, aPod({ name: "d" }), { signal });
  expect(podIpsOf(await running(kube, "shop/d"))).toEqual(["10.1.0.5"]);
});
