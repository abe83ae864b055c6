import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { promisify } from "node:util";
import { decode, encode } from "dns-packet";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { DEPLOYMENTS } from "../../api/kube/deployment.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import type { Deployment } from "./kinds/deployment.ts";
import { PODS, type Pod } from "./kinds/pod.ts";
import { type MemberNode, startMemberNode } from "./member-node.ts";
import type { MemberNodeOptions } from "./member-node-options.ts";
import { aDeployment, aPod, aService } from "./testing/builders.ts";
import { MemoryKube } from "./testing/memory-kube.ts";

const signal = new AbortController().signal;
const started: MemberNode[] = [];
const run = promisify(execFile);

afterEach(async () => {
  await Promise.all(started.splice(0).map((node) => node.stop()));
});

async function aMember(
  options: Partial<MemberNodeOptions> = {},
): Promise<{ node: MemberNode; kube: MemoryKube }> {
  const kube = new MemoryKube();
  const node = await startMemberNode(
    {
      cluster: "east",
      podCidrs: ["10.1.0.0/16"],
      serviceCidrs: ["10.96.0.0/16"],
      terminationGraceMs: 50,
      ...options,
    },
    { kube, clock: systemClock, random: seededRandom(1), log: silentLogger, meter: silentMeter },
  );
  if (!node.ok) throw new Error(node.error);
  started.push(node.value);
  return { node: node.value, kube };
}

async function curl(node: MemberNode, ...args: readonly string[]): Promise<string> {
  const common = ["-sS", "--max-time", "10", "--proxy", `socks5h://${node.socks}`];
  const { stdout } = await run("curl", [...common, ...args]);
  return stdout;
}

test("a Deployment and a Service become pods that curl reaches by name through the SOCKS entry", async () => {
  const { node, kube } = await aMember();
  await kube.create(SERVICES, aService(), { signal });
  await kube.create(DEPLOYMENTS, aDeployment(), { signal });
  await vi.waitFor(
    () => {
      expect(kube.find<Deployment>(DEPLOYMENTS, "shop/web")?.status?.availableReplicas).toBe(3);
    },
    { timeout: 15_000, interval: 10 },
  );
  const pods = kube.all<Pod>(PODS).map((pod) => pod.metadata.name);
  const seen = new Set<string>();
  await vi.waitFor(
    async () => {
      const answer = await curl(node, "http://web.shop.svc.cluster.local/hello?x=1");
      const facts: unknown = JSON.parse(answer);
      expect(facts).toMatchObject({
        cluster: "east",
        namespace: "shop",
        client: node.shellIp,
        path: "/hello",
      });
      seen.add(String(new Map(Object.entries(facts ?? {})).get("pod")));
      expect([...seen].sort()).toEqual([...pods].sort());
    },
    { timeout: 15_000, interval: 10 },
  );
});

test("names outside cluster.local are asked of the member's DNS server, which may come later", async () => {
  const { node, kube } = await aMember();
  await kube.create(SERVICES, aService({ clusterIP: "10.96.0.20" }), { signal });
  await kube.create(PODS, aPod({ ports: [{ containerPort: 8080 }] }), { signal });
  const dns = createSocket("udp4");
  onTestFinished(() => void dns.close());
  dns.on("message", (bytes, from) => {
    const query = decode(bytes);
    const [question] = query.questions ?? [];
    const isKnown = question?.type === "A" && question.name === "web.shop.svc.clusterset.local";
    const reply = encode({
      type: "response",
      id: query.id ?? 0,
      questions: query.questions ?? [],
      answers: isKnown ? [{ type: "A", name: question.name, data: "10.96.0.20" }] : [],
    });
    dns.send(reply, from.port, from.address);
  });
  dns.bind(0, "127.0.0.1");
  await once(dns, "listening");
  const url = "http://web.shop.svc.clusterset.local/";
  await expect(curl(node, url)).rejects.toThrow("SOCKS5");
  expect(node.setDnsServer("nonsense").ok).toBe(false);
  expect(node.setDnsServer(`127.0.0.1:${dns.address().port}`)).toEqual({ ok: true });
  await vi.waitFor(
    async () => expect(JSON.parse(await curl(node, url))).toMatchObject({ pod: "web-1" }),
    {
      timeout: 15_000,
      interval: 10,
    },
  );
  const size = await curl(
    node,
    "-o",
    "/dev/null",
    "-w",
    "%{size_download}",
    `${url}bytes?n=3000000`,
  );
  expect(size).toBe("3000000");
});

test.each<[string, Partial<MemberNodeOptions>, string]>([
  ["no pod CIDR", { podCidrs: [] }, "must be one, or two of different families: got []"],
  ["two of a family", { podCidrs: ["10.1.0.0/16", "10.2.0.0/16"] }, "of different families"],
  ["host bits", { podCidrs: ["10.1.0.1/16"] }, 'got "10.1.0.1/16"'],
  ["a tiny CIDR", { podCidrs: ["10.1.0.0/28"] }, "at least 32 addresses: got 10.1.0.0/28"],
  ["a service CIDR", { serviceCidrs: ["x"] }, 'got "x"'],
  ["a listen address", { socksListen: "here" }, "cannot parse listen address"],
  ["a peer's fabric", { peers: [{ cidrs: ["10.2.0.0/16"], fabric: "x" }] }, "cannot use peer x"],
  [
    "a peer's CIDR",
    { peers: [{ cidrs: ["10.2.0.0"], fabric: "127.0.0.1:1" }] },
    "cannot parse network",
  ],
])("bad options fail at the start: %s", async (_name, options, message) => {
  await expect(aMember(options)).rejects.toThrow(message);
});

test("a stop is idempotent, and leaves the Pods in the API server", async () => {
  const { node, kube } = await aMember();
  await kube.create(PODS, aPod(), { signal });
  await vi.waitFor(
    () => expect(kube.find<Pod>(PODS, "shop/web-1")?.status?.phase).toBe("Running"),
    {
      timeout: 15_000,
      interval: 2,
    },
  );
  await Promise.all([node.stop(), node.stop()]);
  await node.stop();
  expect(kube.all(PODS)).toHaveLength(1);
  await expect(curl(node, "http://10.1.0.2:8080/")).rejects.toThrow(node.socks.split(":")[1]);
});
