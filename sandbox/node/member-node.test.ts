import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, expect, test, vi } from "vitest";
import { SERVICES } from "../../api/kube/service.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { DEPLOYMENTS, type Deployment } from "./kinds/deployment.ts";
import { PODS, type Pod } from "./kinds/pod.ts";
import { type MemberNode, startMemberNode } from "./member-node.ts";
import type { MemberNodeOptions } from "./member-node-options.ts";
import { aDeployment, aService } from "./testing/builders.ts";
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
    { timeout: 5000, interval: 10 },
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
    { timeout: 5000, interval: 10 },
  );
});
