import { isIPv4, isIPv6 } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENDPOINT_SLICES } from "../../../api/kube/endpoint-slice.ts";
import { SERVICES, type Service } from "../../../api/kube/service.ts";
import type { ImportPort, ServiceImport } from "../../../api/mcs/service-import.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { askDns } from "../../../sandbox/clusterset/ask-dns.ts";
import { E2eClusterset } from "../harness/e2e-clusterset.ts";
import { HELLO_PORTS, HelloFixture } from "../harness/hello-fixture.ts";

/** Specs of upstream's conformance suite about objects, on any API servers: endpoints are written by hand. Checks
 * that something stays last 2 s where upstream's last 5 s. */

let set: E2eClusterset;
beforeAll(async () => {
  set = await E2eClusterset.start();
});
afterAll(async () => {
  await set?.stop();
});

const VALID = ["Valid", "True/Valid"] as const;

/** Both exports have reached this importer: what it shows now is its verdict on the two. */
function fromTwo(found: ServiceImport): boolean {
  return found.status?.clusters?.length === 2;
}

function portsOf(service: Service): readonly ImportPort[] {
  return (service.spec.ports ?? [])
    .map(({ name, port, protocol = "TCP", appProtocol }) => ({
      ...(name === undefined ? {} : { name }),
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
      port,
    }))
    .toSorted(byName);
}

function byName(a: ImportPort, b: ImportPort): number {
  return (a.name ?? "").localeCompare(b.name ?? "");
}

// Side by side: each has a namespace of its own, and most of the time they watch that nothing happens.
describe.concurrent("exports and imports", () => {
  test("C-01: an import exists as long as there is at least one exporter", async () => {
    const hello = await HelloFixture.create(set);
    const c0 = set.cluster(0);
    const look = (): Promise<ServiceImport | undefined> => c0.import(hello.namespace, hello.name);
    const stays = (what: string): Promise<void> =>
      set.throughout(what, look, (found) => found !== undefined);
    await hello.deploy(0);
    await hello.deploy(1);
    await hello.export(0);
    const { uid } = (await hello.imported(c0)).metadata;
    await hello.export(1);
    await stays("the import after the second export");
    await hello.unexport(0);
    await stays("the import after the first unexport");
    // IMP-05: not one instant without it.
    expect((await look())?.metadata.uid).toBe(uid);
    await hello.unexport(1);
    await hello.importGone(c0);
  });

  test("C-02: exported labels and annotations travel, metadata does not", async () => {
    const hello = await HelloFixture.create(set);
    await hello.deploy(0);
    await hello.export(0, {
      exportedLabels: { "dummy-label": "true" },
      exportedAnnotations: { "dummy-annotation": "true" },
    });
    const { metadata } = await hello.imported(set.cluster(0));
    expect(metadata.labels).toHaveProperty("dummy-label", "true");
    expect(metadata.annotations).toHaveProperty("dummy-annotation", "true");
    for (const key of ["dummy-svc", "dummy-svcexport"]) {
      expect(metadata.labels).not.toHaveProperty(key);
      expect(metadata.annotations).not.toHaveProperty(key);
    }
  });

  test("C-03: of different exported labels and annotations the older export's are used, and both are told", async () => {
    const hello = await HelloFixture.create(set);
    await hello.deploy(0);
    await hello.exportFirst(0, {
      exportedLabels: { "dummy-label": "true" },
      exportedAnnotations: { "dummy-annotation": "true" },
    });
    await hello.deploy(1);
    await hello.export(1, {
      exportedLabels: { "dummy-label2": "true" },
      exportedAnnotations: { "dummy-annotation2": "true" },
    });
    for (const index of [0, 1]) {
      await hello.condition(index, "Conflict", "True/AnnotationsConflict,LabelsConflict");
    }
    const { metadata } = await hello.imported(set.cluster(0), fromTwo);
    expect(metadata.labels).toHaveProperty("dummy-label", "true");
    expect(metadata.annotations).toHaveProperty("dummy-annotation", "true");
    expect(metadata.labels).not.toHaveProperty("dummy-label2");
    expect(metadata.annotations).not.toHaveProperty("dummy-annotation2");
  });

  test.each([
    { id: "C-04", spec: {}, type: "ClusterSetIP" },
    { id: "C-12", spec: { clusterIP: "None" }, type: "Headless" },
  ])("$id: type $type in every cluster, gone everywhere after the unexport", async (given) => {
    const hello = await HelloFixture.create(set);
    await hello.deploy(0, given.spec);
    await hello.export(0);
    await hello.condition(0, ...VALID);
    for (const cluster of set.clusters) {
      expect((await hello.imported(cluster)).spec.type).toBe(given.type);
    }
    await hello.unexport(0);
    for (const cluster of set.clusters) await hello.importGone(cluster);
  });

  test("C-13: a headless import never gets an address", async () => {
    const hello = await HelloFixture.create(set);
    const c0 = set.cluster(0);
    await hello.deploy(0, { clusterIP: "None" });
    await hello.export(0);
    await hello.imported(c0);
    await set.throughout(
      "a headless import without addresses",
      () => c0.import(hello.namespace, hello.name),
      (found) => found !== undefined && (found.spec.ips ?? []).length === 0,
    );
  });

  test("C-14: ExternalName is not valid and is never imported", async () => {
    const hello = await HelloFixture.create(set);
    await set.cluster(0).create(SERVICES, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: hello.namespace, name: hello.name },
      spec: { type: "ExternalName", externalName: "example.com", ports: HELLO_PORTS },
    });
    await hello.export(0);
    await hello.condition(0, "Valid", "False/InvalidServiceType");
    await set.throughout(
      "no import of an ExternalName",
      () => set.cluster(0).import(hello.namespace, hello.name),
      (found) => found === undefined,
    );
  });

  test("C-15: the older export's type is used in every cluster, and both are told", async () => {
    const hello = await HelloFixture.create(set);
    await hello.deploy(0);
    await hello.exportFirst(0);
    await hello.deploy(1, { clusterIP: "None" });
    await hello.export(1);
    for (const index of [0, 1]) {
      await hello.condition(index, "Conflict", "True/TypeConflict");
    }
    for (const cluster of set.clusters) {
      expect((await hello.imported(cluster, fromTwo)).spec.type).toBe("ClusterSetIP");
    }
  });

  test("C-17: what is not exported is not imported and has no name (traffic: see there)", async () => {
    const hello = await HelloFixture.create(set);
    await hello.deploy(0);
    await set.throughout(
      "neither import nor name",
      () =>
        Promise.all(
          set.clusters.map(async (cluster) => {
            const { dnsPort } = cluster.processes;
            const question = { port: dnsPort, name: hello.dnsName, type: "A" } as const;
            return [
              (await cluster.import(hello.namespace, hello.name))?.kind,
              (await askDns(question, systemClock))?.rcode,
            ].join();
          }),
        ),
      (found) => found.every((state) => state === ",NXDOMAIN"),
      1_000,
    );
  });
});

describe.concurrent("fields of the import", () => {
  test.each([
    {
      id: "C-05",
      spec: {},
      want: {
        sessionAffinity: "ClientIP",
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } },
      },
    },
    {
      id: "C-06",
      spec: { internalTrafficPolicy: "Cluster" },
      want: { internalTrafficPolicy: "Cluster" },
    },
    {
      id: "C-07",
      spec: { trafficDistribution: "PreferClose" },
      want: { trafficDistribution: "PreferClose" },
    },
  ])("$id: equals the Service in $want", async ({ spec, want }) => {
    const hello = await HelloFixture.create(set);
    const service = await hello.deploy(0, spec);
    expect(service.spec).toMatchObject(want);
    await hello.export(0);
    expect((await hello.imported(set.cluster(0))).spec).toMatchObject(want);
  });

  test("C-08: as many addresses as families, each of its family, at first sight", async () => {
    const hello = await HelloFixture.create(set);
    await hello.deploy(0);
    await hello.export(0);
    for (const cluster of set.clusters) {
      const { spec } = await hello.imported(cluster, (found) => (found.spec.ips ?? []).length > 0);
      const families = spec.ips?.map((ip) =>
        isIPv4(ip) ? "IPv4" : isIPv6(ip) ? "IPv6" : `not an address: ${ip}`,
      );
      expect(spec.ipFamilies).toEqual(families);
    }
  });

  test("C-09: ports equal the Service's, with protocol and appProtocol", async () => {
    const hello = await HelloFixture.create(set);
    const more = { appProtocol: "kubernetes.io/h2c", targetPort: 4242 };
    const ports = HELLO_PORTS.map((port, index) => (index === 0 ? { ...port, ...more } : port));
    const service = await hello.deploy(0, { ports });
    await hello.export(0);
    const { spec } = await hello.imported(set.cluster(0));
    expect(spec.ports.toSorted(byName)).toEqual(portsOf(service));
  });

  test("C-10: ports are the union of all exports', in every cluster, and both are told", async () => {
    const hello = await HelloFixture.create(set);
    await hello.deploy(0);
    await hello.exportFirst(0);
    const sctp = { name: "stcp", port: 142, protocol: "SCTP" } as const;
    await hello.deploy(1, { ports: [...HELLO_PORTS.slice(0, 1), sctp] });
    await hello.export(1);
    for (const index of [0, 1]) await hello.condition(index, "Conflict", "True/PortConflict");
    for (const cluster of set.clusters) {
      const { spec } = await hello.imported(cluster, (found) => found.spec.ports.length === 3);
      expect(spec.ports.toSorted(byName)).toEqual([
        { name: "stcp", port: 142, protocol: "SCTP" },
        { name: "tcp", port: 42, protocol: "TCP" },
        { name: "udp", port: 42, protocol: "UDP" },
      ]);
    }
  });

  test("C-11: of two numbers for one port name the older export's is used, and both are told", async () => {
    const hello = await HelloFixture.create(set);
    const service = await hello.deploy(0);
    await hello.exportFirst(0);
    await hello.deploy(1, { ports: [{ name: "tcp", port: 43, protocol: "TCP" }] });
    await hello.export(1);
    for (const index of [0, 1]) await hello.condition(index, "Conflict", "True/PortConflict");
    for (const cluster of set.clusters) {
      const { ports } = (await hello.imported(cluster, fromTwo)).spec;
      expect(ports.toSorted(byName)).toEqual(portsOf(service));
    }
  });
});

test("C-16: every cluster has slices of every family, which go with the export", async () => {
  const hello = await HelloFixture.create(set);
  const c0 = set.cluster(0);
  await hello.deploy(0);
  await hello.export(0);
  for (const cluster of set.clusters) {
    const { spec } = await hello.imported(cluster, (found) => found.spec.ipFamilies !== undefined);
    for (const family of spec.ipFamilies ?? []) {
      const [slice] = await set.eventually(
        `a slice of ${family} in ${cluster.id}`,
        async () =>
          (await cluster.slices(hello.namespace, hello.name)).filter(
            ({ addressType, endpoints }) => addressType === family && (endpoints ?? []).length > 0,
          ),
        (found) => found.length > 0,
      );
      expect(slice?.metadata.labels).toMatchObject({
        "multicluster.kubernetes.io/service-name": "hello",
        "multicluster.kubernetes.io/source-cluster": c0.id,
        "endpointslice.kubernetes.io/managed-by": expect.not.stringMatching(
          /^$|^endpointslice(mirroring)?-controller\.k8s\.io$/,
        ),
      });
    }
  }
  const all = set.clusters.map((cluster) => cluster.slices(hello.namespace, hello.name));
  const before = await Promise.all(all);
  await hello.unexport(0);
  for (const [index, slices] of before.entries()) {
    const cluster = set.cluster(index);
    for (const { metadata } of slices) {
      await set.eventually(
        `${cluster.id} to remove slice ${metadata.name}`,
        () => cluster.find(ENDPOINT_SLICES, hello.namespace, metadata.name),
        (found) => found === undefined,
      );
    }
  }
});

describe("what upstream's suite leaves out", () => {
  test("the oldest export wins in whichever cluster it is (CON-02)", async () => {
    const hello = await HelloFixture.create(set);
    await hello.deploy(1, { ports: [{ name: "tcp", port: 43, protocol: "TCP" }] });
    await hello.exportFirst(1, { exportedLabels: { from: "c1" } });
    await hello.deploy(0, { clusterIP: "None" });
    await hello.export(0, { exportedLabels: { from: "c0" } });
    for (const index of [0, 1]) {
      await hello.condition(index, "Conflict", "True/PortConflict,TypeConflict,LabelsConflict");
    }
    for (const cluster of set.clusters) {
      const { metadata, spec } = await hello.imported(cluster, fromTwo);
      expect(metadata.labels).toHaveProperty("from", "c1");
      expect(spec.type).toBe("ClusterSetIP");
      expect(spec.ports).toContainEqual({ name: "tcp", port: 43, protocol: "TCP" });
      expect(spec.ports).not.toContainEqual({ name: "tcp", port: 42, protocol: "TCP" });
    }
  });

  test("three exports of one second: the least cluster id wins everywhere (CON-03)", async ({
    skip,
  }) => {
    skip(set.clusters.length < 3, "needs three clusters");
    const hello = await HelloFixture.create(set);
    const members = [2, 1, 0];
    const timeout = (index: number): number => 100 + index;
    for (const index of members) {
      const clientIP = { timeoutSeconds: timeout(index) };
      await hello.deploy(index, { sessionAffinityConfig: { clientIP } });
    }
    const least = set.clusters
      .map(({ id }) => id)
      .toSorted()
      .at(0);
    const winner = set.clusters.findIndex(({ id }) => id === least);
    // Creation stamps are the servers': a second has to be hit.
    await set.eventually(
      "three exports with one creation stamp",
      async () => {
        for (const index of members) await hello.unexport(index);
        await sleep(systemClock, 1_020 - (systemClock.nowMs() % 1_000), set.signal);
        for (const index of members) await hello.export(index);
        const exports = await Promise.all(
          members.map((index) => set.cluster(index).export(hello.namespace, hello.name)),
        );
        return exports.map((found) => found?.metadata.creationTimestamp);
      },
      (stamps) => new Set(stamps).size === 1,
    );
    for (const index of members) {
      await hello.condition(index, "Conflict", "True/SessionAffinityConfigConflict");
    }
    for (const cluster of set.clusters) {
      await hello.imported(
        cluster,
        ({ spec, status }) =>
          status?.clusters?.length === 3 &&
          spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === timeout(winner),
      );
    }
  });

  test("NodePort and LoadBalancer are ClusterSetIP without node ports, and agree with each other (EXP-14, CON-07)", async () => {
    const hello = await HelloFixture.create(set);
    // The class keeps real clusters from making a balancer.
    const balancer = { type: "LoadBalancer", loadBalancerClass: "e2e.isthmus.dev/none" } as const;
    const nodePort = await hello.deploy(0, { type: "NodePort" });
    await hello.exportFirst(0);
    await hello.deploy(1, balancer);
    await hello.export(1);
    for (const cluster of set.clusters) {
      const { spec } = await hello.imported(cluster, fromTwo);
      expect(spec.type).toBe("ClusterSetIP");
      expect(spec.ports).toEqual(portsOf(nodePort));
      await set.eventually(
        `${cluster.id} to have both as backends`,
        // One endpoint of each family that the exporter's cluster has.
        () => cluster.backends(hello.namespace, hello.name),
        (found) => new Set(found.map((backend) => backend.split(" ")[0])).size === 2,
      );
    }
    for (const index of [0, 1]) {
      await hello.condition(index, "Conflict", "False/NoConflicts");
      await hello.condition(index, ...VALID);
    }
    const after = await set.cluster(0).find<Service>(SERVICES, hello.namespace, hello.name);
    expect(after?.spec).toEqual(nodePort.spec);
  });
});
