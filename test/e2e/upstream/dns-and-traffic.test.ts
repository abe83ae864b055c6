import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SERVICES, type Service } from "../../../api/kube/service.ts";
import { LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import { PODS, type Pod, podIpsOf } from "../../../sandbox/node/kinds/pod.ts";
import { addresses, srv } from "../harness/dns-records.ts";
import type { E2eCluster } from "../harness/e2e-cluster.ts";
import { E2eClusterset, runsOnEmbedded } from "../harness/e2e-clusterset.ts";
import { HelloFixture } from "../harness/hello-fixture.ts";
import { askPod, askPodByUdp } from "../harness/pod-answer.ts";

/**
 * Specs of upstream's conformance suite about names and connections. Those that need pods run where the sandbox runs
 * them and lets us in: on clusters of our own making.
 */
const NO_PODS = runsOnEmbedded() ? "" : " (not run: existing clusters have no SOCKS entry)";

let set: E2eClusterset;
beforeAll(async () => {
  set = await E2eClusterset.start();
});
afterAll(async () => {
  await set?.stop();
});

/** Upstream's Service sticks to one backend for 10 s, which would hide a second one: these tests ask without. */
const NOT_STICKY = { sessionAffinity: "None" };

/** So many answers in a row (10) from these pods, each of them among the answers, and from no others. */
async function answers(
  cluster: E2eCluster,
  at: {
    readonly host: string;
    readonly port: number;
    readonly ask?: typeof askPod;
    readonly hits?: number;
  },
  pods: readonly string[],
): Promise<void> {
  const { host, port, ask = askPod, hits = 10 } = at;
  await set.eventually(
    `${cluster.id} to get answers of ${pods.join()} at ${host}:${port}`,
    async () => {
      const seen: string[] = [];
      for (let hit = 0; hit < hits; hit++) seen.push(await ask(cluster, host, port));
      return [...new Set(seen)].toSorted();
    },
    (seen) => seen.join() === pods.toSorted().join(),
  );
}

async function families(hello: HelloFixture, cluster: E2eCluster): Promise<readonly string[]> {
  const { spec } = await hello.imported(
    cluster,
    (found) => (found.spec.ipFamilies ?? []).length > 0,
  );
  return spec.ipFamilies ?? [];
}

describe("names of a ClusterSetIP import", () => {
  test("C-22: the name answers the addresses of each cluster's own import", async () => {
    const hello = await HelloFixture.create(set);
    await hello.deploy(0);
    await hello.export(0);
    for (const cluster of set.clusters) {
      const { spec } = await hello.imported(cluster, (found) => (found.spec.ips ?? []).length > 0);
      await set.eventually(
        `${cluster.id} to resolve ${hello.dnsName}`,
        async () => {
          const found = (spec.ipFamilies ?? []).map((family) =>
            addresses(cluster, hello.dnsName, family),
          );
          return (await Promise.all(found)).flat();
        },
        (found) => found.join() === spec.ips?.join(),
      );
    }
  });

  test("C-23: SRV at the bare name is one record, although two ports have the number", async () => {
    const hello = await HelloFixture.create(set);
    await hello.deploy(0);
    await hello.export(0);
    for (const cluster of set.clusters) {
      await set.eventually(
        `${cluster.id} to answer SRV at ${hello.dnsName}`,
        () => srv(cluster, hello.dnsName),
        (found) => found.join() === `42 ${hello.dnsName}`,
      );
    }
  });
});

describe.skipIf(!runsOnEmbedded())(`connections to a ClusterSetIP import${NO_PODS}`, () => {
  test("C-17: nobody reaches what is not exported, not even its own cluster", async () => {
    const hello = await HelloFixture.create(set);
    const [pod = ""] = await hello.run(0);
    // It is there for those who may ask.
    const local = `${hello.name}.${hello.namespace}.svc.cluster.local`;
    await answers(set.cluster(0), { host: local, port: 42 }, [pod]);
    for (const cluster of set.clusters) {
      for (let hit = 0; hit < 20; hit++) {
        expect(await askPod(cluster, hello.dnsName, 42)).toMatch(/^no answer/);
      }
    }
  });

  test("C-18: every cluster reaches it by its name, by TCP and by UDP", async () => {
    const hello = await HelloFixture.create(set);
    const pods = await hello.run(0);
    await hello.export(0);
    for (const cluster of set.clusters) {
      await answers(cluster, { host: hello.dnsName, port: 42 }, pods);
      await answers(cluster, { host: hello.dnsName, port: 42, ask: askPodByUdp }, pods);
    }
  });

  test("C-19: a cluster that has the Service and does not export it gets no connections", async () => {
    const hello = await HelloFixture.create(set);
    const exported = await hello.run(0, NOT_STICKY);
    await hello.run(1, NOT_STICKY);
    await hello.export(0);
    for (const cluster of set.clusters)
      await answers(cluster, { host: hello.dnsName, port: 42 }, exported);
  });

  test("C-20: of two numbers for one port name the older's reaches its own cluster only", async () => {
    const hello = await HelloFixture.create(set);
    const older = await hello.run(0, NOT_STICKY);
    await hello.exportFirst(0);
    await hello.run(1, { ...NOT_STICKY, ports: [{ name: "tcp", port: 4242, targetPort: 42 }] });
    await hello.export(1);
    await hello.condition(1, "Conflict", "True/PortConflict");
    for (const cluster of set.clusters)
      await answers(cluster, { host: hello.dnsName, port: 42 }, older);
  });

  test("C-21: each port reaches the cluster that has it", async () => {
    const hello = await HelloFixture.create(set);
    const older = await hello.run(0, NOT_STICKY);
    await hello.exportFirst(0);
    const younger = await hello.run(1, {
      ...NOT_STICKY,
      ports: [{ name: "tcp2", port: 4242, targetPort: 42 }],
    });
    await hello.export(1);
    for (const cluster of set.clusters) {
      await answers(cluster, { host: hello.dnsName, port: 4242 }, younger);
      await answers(cluster, { host: hello.dnsName, port: 42 }, older);
    }
  });

  test("C-24: the cluster.local name keeps leading to the local pods", async () => {
    const hello = await HelloFixture.create(set);
    const local = `${hello.name}.${hello.namespace}.svc.cluster.local`;
    const pods = [await hello.run(0, NOT_STICKY), await hello.run(1, NOT_STICKY)];
    const before = await set.cluster(0).find<Service>(SERVICES, hello.namespace, hello.name);
    await hello.export(0);
    await hello.export(1);
    for (const [index, own] of pods.entries()) {
      await answers(set.cluster(index), { host: hello.dnsName, port: 42 }, pods.flat());
      await answers(set.cluster(index), { host: local, port: 42 }, own);
    }
    const after = await set.cluster(0).find<Service>(SERVICES, hello.namespace, hello.name);
    expect(after?.metadata.resourceVersion).toBe(before?.metadata.resourceVersion);
    await answers(set.cluster(0), { host: after?.spec.clusterIP ?? "", port: 42 }, pods[0] ?? []);
  });

  test("50 in a row by address and by name, TCP and UDP, reach pods of both clusters and no others; cluster.local stays local (VIP-01, DNS-40)", async () => {
    const hello = await HelloFixture.create(set);
    const local = `${hello.name}.${hello.namespace}.svc.cluster.local`;
    const pods = [await hello.run(0, NOT_STICKY), await hello.run(1, NOT_STICKY)];
    await hello.export(0);
    await hello.export(1);
    for (const [index, cluster] of set.clusters.entries()) {
      const { spec } = await hello.imported(cluster, (found) => (found.spec.ips ?? []).length > 0);
      for (const ask of [askPod, askPodByUdp]) {
        for (const host of [...(spec.ips ?? []), hello.dnsName]) {
          await answers(cluster, { host, port: 42, ask, hits: 50 }, pods.flat());
        }
        const own = pods[index];
        if (own === undefined) continue;
        await answers(cluster, { host: local, port: 42, ask, hits: 50 }, own);
      }
    }
  });

  test("UDP is spread over all exporters and follows them (not in upstream's suite)", async () => {
    const hello = await HelloFixture.create(set);
    const pods = [await hello.run(0, NOT_STICKY), await hello.run(1, NOT_STICKY)];
    await hello.export(0);
    await hello.export(1);
    const reach = async (wanted: readonly string[]): Promise<void> => {
      for (const cluster of set.clusters)
        await answers(cluster, { host: hello.dnsName, port: 42, ask: askPodByUdp }, wanted);
    };
    await reach(pods.flat());
    await hello.unexport(0);
    await reach(pods[1] ?? []);
  });

  test("an unnamed port reaches its pods, also beside a named one of another cluster (CON-22)", async () => {
    const hello = await HelloFixture.create(set);
    const older = await hello.run(0, { ...NOT_STICKY, ports: [{ port: 80, targetPort: 42 }] });
    await hello.exportFirst(0);
    for (const cluster of set.clusters) {
      await answers(cluster, { host: hello.dnsName, port: 80 }, older);
      // DNS-12
      expect(await srv(cluster, hello.dnsName)).toEqual([]);
    }
    const younger = await hello.run(1, {
      ...NOT_STICKY,
      ports: [
        { name: "web", port: 80, targetPort: 42 },
        { name: "more", port: 90, targetPort: 42 },
      ],
    });
    await hello.export(1);
    for (const cluster of set.clusters) {
      await answers(cluster, { host: hello.dnsName, port: 90 }, younger);
      await answers(cluster, { host: hello.dnsName, port: 80 }, [...older, ...younger]);
      expect((await hello.imported(cluster)).spec.ports).toEqual([
        { protocol: "TCP", port: 80 },
        { name: "more", protocol: "TCP", port: 90 },
      ]);
      expect(await srv(cluster, hello.dnsName)).toEqual([`90 ${hello.dnsName}`]);
    }
  });
});

describe.skipIf(!runsOnEmbedded())(`names of a headless import${NO_PODS}`, () => {
  const HEADLESS = { clusterIP: "None" };

  test("C-25: the name answers each endpoint once and nothing else", async () => {
    const hello = await HelloFixture.create(set);
    const pods = await hello.run(0, HEADLESS, 2);
    await hello.export(0);
    for (const cluster of set.clusters) {
      for (const family of await families(hello, cluster)) {
        await set.eventually(
          `${cluster.id} to resolve ${hello.dnsName} to its endpoints`,
          () => addresses(cluster, hello.dnsName, family),
          (found) => found.join() === pods.join(),
        );
      }
    }
    // EPS-14: what is mirrored does not become the Service's own.
    expect(await hello.ownEndpoints(set.cluster(0), 2)).toEqual(pods);
  });

  test("C-26: each pod of a StatefulSet is in the slices with its hostname, and has a name", async () => {
    const hello = await HelloFixture.create(set);
    const c0 = set.cluster(0);
    // The sandbox runs no StatefulSets: these are the pods that one would make.
    const labels = { app: hello.name };
    const hostnames = ["hello-ss-0", "hello-ss-1"];
    await c0.create(SERVICES, hello.service({ ...HEADLESS, selector: labels }));
    for (const hostname of hostnames) {
      await c0.create<Pod>(PODS, {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { namespace: hello.namespace, name: hostname, labels },
        spec: {
          hostname,
          subdomain: hello.name,
          containers: [{ name: "tcp", image: "sandbox/hello", ports: [{ containerPort: 42 }] }],
        },
      });
    }
    await hello.ownEndpoints(c0, 2);
    await hello.export(0);
    for (const cluster of set.clusters) {
      for (const family of await families(hello, cluster)) {
        const slices = await set.eventually(
          `${cluster.id} to have both pods in a slice`,
          async () =>
            (await cluster.slices(hello.namespace, hello.name)).filter(
              ({ addressType, endpoints }) =>
                addressType === family && (endpoints ?? []).length > 0,
            ),
          (found) => found.length > 0 && found.every(({ endpoints }) => endpoints?.length === 2),
        );
        for (const { metadata, endpoints } of slices) {
          expect(endpoints?.map(({ hostname }) => hostname).toSorted()).toEqual(hostnames);
          for (const { addresses: own, conditions, hostname } of endpoints ?? []) {
            expect(conditions?.ready).toBe(true);
            const pod = await c0.find<Pod>(PODS, hello.namespace, hostname ?? "");
            expect(pod && podIpsOf(pod)).toEqual(own);
            const name = `${hostname}.${metadata.labels?.[LABEL_SOURCE_CLUSTER]}.${hello.dnsName}`;
            await set.eventually(
              `${cluster.id} to resolve ${name}`,
              () => addresses(cluster, name, family),
              (found) => found.join() === own.join(),
            );
          }
        }
      }
    }
  });

  test("C-27: SRV at the bare name is one record for each endpoint", async () => {
    const hello = await HelloFixture.create(set);
    const pods = await hello.run(0, HEADLESS, 2);
    await hello.export(0);
    const wanted = pods
      .map((ip) => `42 ${ip.replaceAll(".", "-")}.${set.cluster(0).id}.${hello.dnsName}`)
      .toSorted();
    for (const cluster of set.clusters) {
      await set.eventually(
        `${cluster.id} to answer SRV at ${hello.dnsName}`,
        () => srv(cluster, hello.dnsName),
        (found) => found.join() === wanted.join(),
      );
    }
  });
});
