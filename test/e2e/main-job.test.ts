import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { SERVICES, type Service } from "../../api/kube/service.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { addressesIn, askDns } from "../../sandbox/clusterset/ask-dns.ts";
import type { E2eCluster } from "./harness/e2e-cluster.ts";
import { E2eClusterset } from "./harness/e2e-clusterset.ts";
import { ServiceFixture } from "./harness/service-fixture.ts";

let set: E2eClusterset;
beforeAll(async () => {
  set = await E2eClusterset.start();
});
afterAll(async () => {
  await set?.stop();
});

function addresses(
  cluster: E2eCluster,
  name: string,
  type: "A" | "AAAA" = "A",
): Promise<readonly string[]> {
  return askDns({ port: cluster.processes.dnsPort, name, type }, systemClock).then(addressesIn);
}

async function fixture(name: string): Promise<ServiceFixture> {
  return new ServiceFixture(await set.namespace(), name, set.signal);
}

describe("a ClusterSetIP service exported by two clusters", () => {
  test("is imported, resolved and backed in every cluster, and follows its exporters", async () => {
    const web = await fixture("web");
    const [a, b] = [set.cluster(0), set.cluster(1)];
    const before = await fixtureService(a, web, ["10.1.200.1", "10.1.200.2"]);
    await web.deploy(b, ["10.2.200.1"]);
    await web.export(a);
    await web.export(b);

    for (const cluster of set.clusters) {
      const imported = await set.eventually(
        `${cluster.id} to import from both`,
        () => cluster.import(web.namespace, web.name),
        (found) => found?.status?.clusters?.length === 2 && (found.spec.ips ?? []).length === 1,
      );
      expect(imported?.spec.type).toBe("ClusterSetIP");
      expect(imported?.spec.ips?.length).toBe(imported?.spec.ipFamilies?.length);
      expect(imported?.spec.ports).toEqual([{ name: "http", protocol: "TCP", port: 80 }]);
      expect(imported?.status?.conditions).toEqual([
        expect.objectContaining({ type: "Ready", status: "True", reason: "Ready" }),
      ]);
      await set.eventually(
        `${cluster.id} to hold both clusters' endpoints`,
        () => cluster.backends(web.namespace, web.name),
        (found) =>
          found.join() ===
          [`${a.id} 10.1.200.1`, `${a.id} 10.1.200.2`, `${b.id} 10.2.200.1`].toSorted().join(),
      );
      await set.eventually(
        `${cluster.id} to resolve ${web.dnsName}`,
        () => addresses(cluster, web.dnsName),
        (found) => found.join() === imported?.spec.ips?.join(),
      );
      expect(await addresses(cluster, web.dnsName, "AAAA")).toEqual([]);
      const derivedName =
        imported?.metadata.annotations?.["multicluster.kubernetes.io/derived-service"];
      const derived = await cluster.find<Service>(SERVICES, web.namespace, derivedName ?? "");
      expect(derived?.spec.selector).toBeUndefined();
      expect(derived?.spec.clusterIPs).toEqual(imported?.spec.ips);
      for (const slice of await cluster.slices(web.namespace, web.name)) {
        expect(slice.metadata.labels?.["kubernetes.io/service-name"]).toBe(derivedName);
      }
    }
    // VIP-06: the exporter's own Service is untouched.
    const after = await a.find<Service>(SERVICES, web.namespace, web.name);
    expect(after?.metadata.resourceVersion).toBe(before.metadata.resourceVersion);

    const ip = (await a.import(web.namespace, web.name))?.spec.ips;
    await web.unexport(a);
    for (const cluster of set.clusters) {
      await set.eventually(
        `${cluster.id} to drop ${a.id}`,
        () => cluster.backends(web.namespace, web.name),
        (found) => found.join() === `${b.id} 10.2.200.1`,
      );
    }
    // I4, I5: one export is left, so the import and its address stay.
    expect((await a.import(web.namespace, web.name))?.spec.ips).toEqual(ip);
    await web.unexport(b);
    for (const cluster of set.clusters) {
      await set.eventually(
        `${cluster.id} to have no import`,
        () => cluster.import(web.namespace, web.name),
        (found) => found === undefined,
      );
      await set.eventually(
        `${cluster.id} to hold no slices`,
        () => cluster.slices(web.namespace, web.name),
        (found) => found.length === 0,
      );
      await set.eventually(
        `${cluster.id} to answer NXDOMAIN`,
        () =>
          askDns({ port: cluster.processes.dnsPort, name: web.dnsName, type: "A" }, systemClock),
        (answer) => answer?.rcode === "NXDOMAIN",
      );
    }
  });

  async function fixtureService(
    cluster: E2eCluster,
    web: ServiceFixture,
    endpoints: readonly string[],
  ): Promise<Service> {
    await web.deploy(cluster, endpoints);
    const service = await cluster.find<Service>(SERVICES, web.namespace, web.name);
    if (service === undefined) throw new Error("the service was not created");
    return service;
  }
});

describe("a headless service", () => {
  test("has no address of its own and resolves to its endpoints", async () => {
    const db = await fixture("db");
    const [a, b] = [set.cluster(0), set.cluster(1)];
    await db.deploy(a, ["10.1.201.1", "10.1.201.2"], { clusterIP: "None" });
    await db.export(a);
    const imported = await set.eventually(
      `${b.id} to import it`,
      () => b.import(db.namespace, db.name),
      (found) => found?.status?.clusters?.length === 1,
    );
    expect(imported?.spec.type).toBe("Headless");
    expect(imported?.spec.ips).toBeUndefined();
    // Kubernetes gives a headless Service without selector both families; those that the importer has are left.
    const probe = new ServiceFixture(db.namespace, "probe", set.signal);
    const families = probe.service({ ipFamilyPolicy: "PreferDualStack" });
    const { spec } = await b.create<Service>(SERVICES, families);
    expect(imported?.spec.ipFamilies).toEqual(spec.ipFamilies);
    await set.eventually(
      "its endpoints to resolve",
      () => addresses(b, db.dnsName),
      (found) => found.join() === "10.1.201.1,10.1.201.2",
    );
    const pod = await addresses(b, `10-1-201-1.${a.id}.${db.dnsName}`);
    expect(pod).toEqual(["10.1.201.1"]);
  });
});

describe("what must not be visible", () => {
  test("a Service without an export of its own cluster contributes nothing (EXP-04, VIP-05)", async () => {
    const web = await fixture("web");
    const [a, b] = [set.cluster(0), set.cluster(1)];
    await web.deploy(a, ["10.1.202.1"]);
    await web.deploy(b, ["10.2.202.1"]);
    await web.export(a);
    await set.eventually(
      `${b.id} to hold ${a.id}'s endpoints`,
      () => b.backends(web.namespace, web.name),
      (found) => found.length > 0,
    );
    expect(await b.backends(web.namespace, web.name)).toEqual([`${a.id} 10.1.202.1`]);
    expect((await b.import(web.namespace, web.name))?.status?.clusters).toEqual([
      { cluster: a.id },
    ]);
  });

  test("nothing is imported where the namespace is missing; it comes when the namespace does (IMP-03)", async () => {
    const [a, b] = [set.cluster(0), set.cluster(1)];
    const namespace = await set.namespace([a]);
    const web = new ServiceFixture(namespace, "web", set.signal);
    await web.deploy(a, ["10.1.203.1"]);
    await web.export(a);
    await set.eventually(
      `${a.id} to import its own export`,
      () => a.import(namespace, "web"),
      (found) => found !== undefined,
    );
    expect(await b.import(namespace, "web")).toBeUndefined();
    expect(await addresses(b, web.dnsName)).toEqual([]);
    await b.createNamespace(namespace);
    await set.eventually(
      `${b.id} to import it now`,
      () => addresses(b, web.dnsName),
      (found) => found.length === 1,
    );
  });
});

describe("conditions", () => {
  const condition = async (
    cluster: E2eCluster,
    web: ServiceFixture,
    type: string,
  ): Promise<string> => {
    const found = (await cluster.export(web.namespace, web.name))?.status?.conditions?.find(
      (candidate) => candidate.type === type,
    );
    return found === undefined ? "" : `${found.status}/${found.reason}`;
  };

  test("a valid export becomes Valid, Ready and free of conflicts", async () => {
    const web = await fixture("web");
    const a = set.cluster(0);
    await web.deploy(a, ["10.1.204.1"]);
    await web.export(a);
    for (const [type, want] of [
      ["Valid", "True/Valid"],
      ["Ready", "True/Exported"],
      ["Conflict", "False/NoConflicts"],
    ] as const) {
      await set.eventually(
        `${type} to be ${want}`,
        () => condition(a, web, type),
        (is) => is === want,
      );
    }
  });

  test.each([
    { name: "no Service", spec: undefined, want: "False/NoService" },
    {
      name: "ExternalName",
      spec: { type: "ExternalName" as const, externalName: "example.com", ports: [] },
      want: "False/InvalidServiceType",
    },
  ])("$name is told so, and nothing is imported", async ({ spec, want }) => {
    const web = await fixture("web");
    const [a, b] = [set.cluster(0), set.cluster(1)];
    if (spec !== undefined) await a.create(SERVICES, web.service(spec));
    await web.export(a);
    await set.eventually(
      "Valid to say why",
      () => condition(a, web, "Valid"),
      (is) => is === want,
    );
    expect(await b.import(web.namespace, web.name)).toBeUndefined();
    expect(await a.import(web.namespace, web.name)).toBeUndefined();
  });

  test("a disagreement shows on all exporters, the oldest one's type is used, and it clears (CON-10, CON-15)", async () => {
    const web = await fixture("web");
    const [a, b] = [set.cluster(0), set.cluster(1)];
    await web.deploy(a, ["10.1.205.1"]);
    await web.export(a);
    // One-second stamps: the second export must be younger beyond doubt.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await web.deploy(b, ["10.2.205.1"], { clusterIP: "None" });
    await web.export(b);
    for (const cluster of [a, b]) {
      await set.eventually(
        `${cluster.id} to show the conflict`,
        () => condition(cluster, web, "Conflict"),
        (is) => is === "True/TypeConflict",
      );
    }
    expect((await b.import(web.namespace, web.name))?.spec.type).toBe("ClusterSetIP");
    await web.unexport(b);
    await set.eventually(
      "the conflict to clear",
      () => condition(a, web, "Conflict"),
      (is) => is === "False/NoConflicts",
    );
  });
});

describe("our objects", () => {
  test("are repaired when somebody edits or deletes them; hand-made ones are left alone (IMP-06, I3)", async () => {
    const web = await fixture("web");
    const [a, b] = [set.cluster(0), set.cluster(1)];
    await web.deploy(a, ["10.1.206.1"]);
    await web.export(a);
    await set.eventually(
      "the slice to arrive",
      () => b.backends(web.namespace, web.name),
      (found) => found.length === 1,
    );
    const target = { resource: serviceImports(), namespace: web.namespace, name: web.name };
    await b.kube.mergePatch(
      target,
      { spec: { ports: [], sessionAffinity: "ClientIP" } },
      { signal: set.signal },
    );
    await set.eventually(
      "the edit to be undone",
      () => b.import(web.namespace, web.name),
      (found) => found?.spec.ports.length === 1 && found.spec.sessionAffinity === "None",
    );
    const [slice] = await b.slices(web.namespace, web.name);
    await b.remove(ENDPOINT_SLICES, web.namespace, slice?.metadata.name ?? "");
    await set.eventually(
      "the slice to come back",
      () => b.backends(web.namespace, web.name),
      (found) => found.length === 1,
    );
    await b.remove(serviceImports(), web.namespace, web.name);
    await set.eventually(
      "the import to come back, with an address",
      () => b.import(web.namespace, web.name),
      (found) => (found?.spec.ips ?? []).length === 1,
    );

    const handMade = new ServiceFixture(web.namespace, "mine", set.signal);
    await b.create(serviceImports(), {
      apiVersion: "multicluster.x-k8s.io/v1beta1",
      kind: "ServiceImport",
      metadata: { namespace: web.namespace, name: "mine" },
      spec: { type: "Headless" as const, ports: [] },
    });
    await handMade.deploy(a, ["10.1.206.2"]);
    await handMade.export(a);
    await set.eventually(
      "the other clusters to import it",
      () => a.import(web.namespace, "mine"),
      (found) => (found?.spec.ips ?? []).length === 1,
    );
    expect((await b.import(web.namespace, "mine"))?.spec).toEqual({ type: "Headless", ports: [] });
  });

  test("are served in both versions of the API (EXP-02)", async () => {
    const web = await fixture("web");
    const a = set.cluster(0);
    await web.deploy(a, ["10.1.207.1"]);
    await web.export(a);
    const old = await a.find(serviceExports("v1alpha1"), web.namespace, web.name);
    expect(old?.apiVersion).toBe("multicluster.x-k8s.io/v1alpha1");
  });
});
