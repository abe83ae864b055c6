import { afterAll, beforeAll, expect, test } from "vitest";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { LEASES, type Lease } from "../../api/kube/lease.ts";
import { SERVICES } from "../../api/kube/service.ts";
import {
  CLUSTER_ID_PROPERTY,
  CLUSTERSET_PROPERTY,
  clusterProperties,
} from "../../api/mcs/cluster-property.ts";
import { LABEL_MANAGED_BY, LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { addressesIn, askDns } from "../../sandbox/clusterset/ask-dns.ts";
import type { E2eCluster } from "./harness/e2e-cluster.ts";
import { E2eClusterset, joinMember } from "./harness/e2e-clusterset.ts";
import { mustRunCli, runCli } from "./harness/run-cli.ts";
import { ServiceFixture } from "./harness/service-fixture.ts";

const STALE_MS = 5_000;
/** Until a broken stream is noticed, and the writes that follow the judgement. */
const BOUND_MS = STALE_MS + 20_000;

let set: E2eClusterset;
let names: { a: E2eCluster; b: E2eCluster; c: E2eCluster };
beforeAll(async () => {
  set = await E2eClusterset.start(3, { controllersArgs: ["--stale-after", `${STALE_MS}ms`] });
  names = { a: set.cluster(0), b: set.cluster(1), c: set.cluster(2) };
});
afterAll(async () => {
  await set?.stop();
});

/** Exported in a and b, seen by c. */
async function exportedTwice(subnet: string): Promise<ServiceFixture> {
  const { a, b, c } = names;
  const web = new ServiceFixture(await set.namespace(), "web", set.signal);
  for (const [at, cluster] of [a, b].entries()) {
    await web.deploy(cluster, [`${subnet}.${at + 1}`]);
    await web.export(cluster);
  }
  await set.eventually(
    "endpoints of both",
    () => c.backends(web.namespace, web.name),
    (is) => is.length === 2,
  );
  return web;
}

async function answers(cluster: E2eCluster, web: ServiceFixture): Promise<number> {
  const port = cluster.processes.dnsPort;
  const found = await askDns({ port, name: web.dnsName, type: "A" }, systemClock);
  return addressesIn(found).length;
}

test("endpoints of a cluster that is heard no more go within the bound, its export stays, and they come back (CLN-05, CLN-07)", async () => {
  const { a, b, c } = names;
  const web = await exportedTwice("10.1.230");
  const before = await c.import(web.namespace, web.name);
  await set.eventually(
    "a Lease for each other cluster (CLN-06)",
    () => c.list<Lease>(LEASES, "isthmus-system", LABEL_SOURCE_CLUSTER),
    (is) =>
      is
        .map(({ spec }) => spec?.holderIdentity ?? "")
        .toSorted()
        .join() === `${a.id},${b.id}`,
  );
  await a.processes.controllers.stop();
  await set.eventually(
    "only the other's endpoints",
    () => c.backends(web.namespace, web.name),
    (is) => is.join() === `${b.id} 10.1.230.2`,
    BOUND_MS,
  );
  const after = await c.import(web.namespace, web.name);
  expect(after?.spec).toEqual(before?.spec);
  expect(after?.status?.clusters?.map(({ cluster }) => cluster)).toEqual([a.id, b.id]);
  expect(await answers(c, web)).toBe(1);
  a.processes.controllers.start();
  await set.eventually(
    "endpoints of both again",
    () => c.backends(web.namespace, web.name),
    (is) => is.length === 2,
    60_000,
  );
});

test("a cluster that leaves takes its exports along and keeps nothing; it may join again (CLN-04, CLN-13)", async () => {
  const { a, b, c } = names;
  const web = await exportedTwice("10.1.231");
  const plan = set.members[0];
  if (plan === undefined) throw new Error("no member");
  const { identityDir } = a.processes;
  const leave = ["leave", "--kubeconfig", plan.kubeconfig, "--context", plan.context];
  const told = await mustRunCli([...leave, "--identity-dir", identityDir]);
  expect(told).toContain(`${a.id} left clusterset`);
  expect(told).toContain(`${web.namespace}/${web.name}`);

  for (const resource of [serviceImports(), SERVICES, ENDPOINT_SLICES]) {
    const left = await a.list(resource, web.namespace, LABEL_MANAGED_BY);
    expect(left.map(({ metadata }) => metadata.name)).toEqual([]);
  }
  for (const name of [CLUSTERSET_PROPERTY, CLUSTER_ID_PROPERTY]) {
    expect(await a.find(clusterProperties(), undefined, name)).toBeUndefined();
  }
  await set.eventually(
    "the others to have dropped it",
    async () => {
      const found = await c.import(web.namespace, web.name);
      const clusters = found?.status?.clusters?.map(({ cluster }) => cluster) ?? [];
      return [...clusters, ...(await c.backends(web.namespace, web.name))];
    },
    (is) => is.join() === `${b.id},${b.id} 10.1.231.2`,
  );
  // The identity is gone: nobody starts controllers with it, and leaving again has nobody to speak for.
  const again = await runCli([...leave, "--identity-dir", identityDir]);
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("no identity")]);
  expect(await mustRunCli([...leave, "--identity-dir", identityDir, "--local-only"])).toContain(
    "nothing of ours was found",
  );

  // What it exported in its former life is exported in this one only as it is now.
  await a.processes.controllers.stop();
  await web.setAddresses(a, ["10.1.231.9"]);
  await joinMember(plan, set.processes);
  a.processes.controllers.start();
  await set.eventually(
    "both to be exporters again",
    () => c.backends(web.namespace, web.name),
    (is) => is.join() === `${a.id} 10.1.231.9,${b.id} 10.1.231.2`,
    60_000,
  );
});
