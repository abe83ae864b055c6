import { isIP } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SERVICES, type Service } from "../../api/kube/service.ts";
import { type ServiceExport, serviceExports } from "../../api/mcs/service-export.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import { MemberWorld } from "../controllers/member-world.ts";
import type { Imported, TestCluster } from "../controllers/test-cluster.ts";

let world: MemberWorld;
let a: TestCluster;
let b: TestCluster;

beforeEach(async () => {
  world = new MemberWorld();
  a = await world.member("a");
  b = await world.member("b");
});

afterEach(async () => {
  await world.expectNoChurn();
  await world[Symbol.asyncDispose]();
});

/** The next export is younger by more than the resolution of its stamp. */
async function younger(): Promise<void> {
  await world.clock.advance(1_100);
}

/** Without what may differ from cluster to cluster. */
function shared(found: Imported | undefined): object {
  const { ips: _ips, ipFamilies: _families, ...rest } = found?.spec ?? {};
  return { spec: rest, labels: found?.metadata.labels, clusters: found?.status?.clusters };
}

/** As Go prints it: lower case, the longest run of zeros left out. */
function canonical(ip: string): string {
  if (isIP(ip) === 4) return ip;
  return new URL(`http://[${ip}]`).hostname.slice(1, -1);
}

async function conflictMessage(cluster: TestCluster): Promise<string | undefined> {
  const found = await cluster.find<ServiceExport>(serviceExports(), "web");
  return found?.status?.conditions?.find(({ type }) => type === "Conflict")?.message;
}

describe("export", () => {
  test.each([{ type: "ClusterIP" }, { type: "NodePort" }, { type: "LoadBalancer" }] as const)(
    "EXP-14, VIP-04: a $type Service becomes ClusterSetIP and is left as it was",
    async ({ type }) => {
      await a.service({ type });
      await a.slice("web-1", ["10.97.0.1"]);
      const before = await a.find<Service>(SERVICES, "web");
      await a.export();
      await world.settle();
      expect((await b.import())?.spec).toMatchObject({ type: "ClusterSetIP" });
      // Backends of others hang on the derived Service, which has no node ports.
      expect((await b.derived())?.spec.type).toBe("ClusterIP");
      expect(await a.find(SERVICES, "web")).toEqual(before);
    },
  );

  test("EXP-06, CLN-01: unexport shrinks ports, labels and exporters to the rest", async () => {
    await a.exported();
    await a.patch(serviceExports(), "web", { spec: { exportedLabels: { tier: "front" } } });
    await younger();
    await b.exported({
      ports: [
        { name: "http", port: 80 },
        { name: "metrics", port: 9090 },
      ],
    });
    await world.settle();
    expect((await b.import())?.spec.ports).toHaveLength(2);
    expect((await b.import())?.metadata.labels).toHaveProperty("tier");
    await b.unexport();
    await world.settle();
    for (const member of [a, b]) {
      const found = await member.import();
      expect(found?.spec.ports).toMatchObject([{ name: "http", port: 80 }]);
      expect(found?.status?.clusters).toEqual([{ cluster: "a" }]);
      expect(await member.backends()).toEqual({ a: ["10.97.0.1"] });
    }
    expect((await a.conditions())["Conflict"]).toBe("False/NoConflicts");
  });
});

describe("three clusters", () => {
  test("IMP-08, CON-01, CON-10: one spec in every importer, one verdict on every export", async () => {
    const c = await world.member("c");
    const [youngest, oldest, middle] = [a, b, c];
    await oldest.exported({ sessionAffinity: "ClientIP" });
    await younger();
    await middle.exported({ ports: [{ name: "http", port: 81 }] });
    await younger();
    await youngest.exported({ clusterIP: "None" });
    await world.settle();
    const want = shared(await oldest.import());
    expect(want).toMatchObject({
      spec: { type: "ClusterSetIP", sessionAffinity: "ClientIP", ports: [{ port: 80 }] },
      clusters: expect.arrayContaining([{ cluster: "a" }, { cluster: "b" }, { cluster: "c" }]),
    });
    const verdict = (await oldest.conditions())["Conflict"];
    expect(verdict).toMatch(/^True\/PortConflict,TypeConflict,SessionAffinityConflict/);
    const message = await conflictMessage(oldest);
    expect(message).toMatch(/ClusterSetIP from b \(oldest export\).*1 of 3/);
    for (const member of [youngest, middle]) {
      expect(shared(await member.import())).toEqual(want);
      expect((await member.conditions())["Conflict"]).toBe(verdict);
      expect(await conflictMessage(member)).toBe(message);
    }
  });

  test("CON-13: when the oldest export goes, the import follows the next oldest", async () => {
    const c = await world.member("c");
    await b.exported({ internalTrafficPolicy: "Local" });
    await younger();
    await c.exported();
    await world.settle();
    expect((await a.import())?.spec.internalTrafficPolicy).toBe("Local");
    await b.unexport();
    await world.settle();
    for (const member of [a, b, c]) {
      expect((await member.import())?.spec.internalTrafficPolicy).toBe("Cluster");
    }
    expect((await c.conditions())["Conflict"]).toBe("False/NoConflicts");
  });

  test("CON-02: made again, an export is young", async () => {
    await a.exported({ internalTrafficPolicy: "Local" });
    await younger();
    await b.exported();
    await world.settle();
    await younger();
    await a.unexport();
    await a.export();
    await world.settle();
    expect((await a.import())?.spec.internalTrafficPolicy).toBe("Cluster");
  });
});

test("IMP-23, C-03: exported labels and annotations are the oldest's alone", async () => {
  await a.exported();
  await a.patch(serviceExports(), "web", {
    spec: { exportedLabels: { one: "1" }, exportedAnnotations: { note: "1" } },
  });
  await younger();
  await b.exported();
  await b.patch(serviceExports(), "web", {
    spec: { exportedLabels: { two: "2" }, exportedAnnotations: { other: "2" } },
  });
  await world.settle();
  for (const member of [a, b]) {
    const metadata = (await member.import())?.metadata;
    expect(metadata?.labels).toMatchObject({ one: "1" });
    expect(metadata?.labels).not.toHaveProperty("two");
    expect(metadata?.annotations).toMatchObject({ note: "1" });
    expect(metadata?.annotations).not.toHaveProperty("other");
    expect((await member.conditions())["Conflict"]).toBe("True/AnnotationsConflict,LabelsConflict");
  }
});

describe("what is no conflict", () => {
  test.each([
    { rule: "CON-07: the kind of a Service with an address", spec: { type: "NodePort" } },
    {
      rule: "CON-06: target ports and node ports",
      spec: {
        type: "NodePort",
        ports: [{ name: "http", port: 80, targetPort: 9_999, nodePort: 30_080 }],
      },
    },
    { rule: "CON-06: selectors", spec: { selector: { other: "app" } } },
    { rule: "CON-06: published not-ready addresses", spec: { publishNotReadyAddresses: true } },
    { rule: "CON-06: the policy of families", spec: { ipFamilyPolicy: "PreferDualStack" } },
  ] as const)("$rule", async ({ spec }) => {
    await a.exported();
    await younger();
    await b.exported(spec);
    await world.settle();
    expect((await a.import())?.status?.clusters).toHaveLength(2);
    expect((await a.conditions())["Conflict"]).toBe("False/NoConflicts");
    expect((await b.conditions())["Conflict"]).toBe("False/NoConflicts");
  });
});

describe("addresses", () => {
  test("IMP-15, IMP-16: whoever watches sees addresses and families together or not", async () => {
    const c = await world.member("c", { families: ["IPv6", "IPv4"] });
    const seen: Imported[] = [];
    const stop = new AbortController();
    const query = { resourceVersion: "0", timeoutSeconds: 300 };
    const watch = c.admin.watch<Imported>(serviceImports(), query, stop.signal);
    const watched = (async (): Promise<void> => {
      for await (const event of watch) if (event.kind !== "bookmark") seen.push(event.object);
    })();
    await c.exported({ ipFamilyPolicy: "PreferDualStack" });
    await world.settle();
    stop.abort();
    await world.clock.advance(100);
    await watched;
    expect(seen.map(({ spec }) => spec.ips ?? [])).toContainEqual([]);
    expect(seen.at(-1)?.spec.ips).toHaveLength(2);
    for (const { spec } of seen) {
      const families = (spec.ips ?? []).map((ip) => `IPv${isIP(ip)}`);
      if (families.length > 0) expect(families).toEqual(spec.ipFamilies);
      for (const ip of spec.ips ?? []) expect(ip).toBe(canonical(ip));
    }
  });
});

describe("type", () => {
  test("CON-12, CON-28, CON-29, C-15: an older ClusterIP stays, headless pods join it", async () => {
    await a.exported();
    await younger();
    const before = await b.import();
    await b.exported({ clusterIP: "None" });
    await world.settle();
    expect((await b.import())?.metadata.uid).toBe(before?.metadata.uid);
    expect(before?.spec.ips).toHaveLength(1);
    expect((await b.import())?.spec).toEqual(before?.spec);
    for (const member of [a, b]) {
      expect((await member.import())?.spec.type).toBe("ClusterSetIP");
      expect(await member.backends()).toEqual({ a: ["10.97.0.1"], b: ["10.98.0.1"] });
      expect((await member.conditions())["Conflict"]).toBe("True/TypeConflict");
    }
  });

  test("HDL-01, IMP-22: affinity of a headless service reaches no proxy", async () => {
    await a.exported({ clusterIP: "None", sessionAffinity: "ClientIP" });
    await world.settle();
    expect((await b.import())?.spec.ips ?? []).toEqual([]);
    expect((await b.derived())?.spec).toMatchObject({ clusterIP: "None", sessionAffinity: "None" });
    expect((await a.conditions())["Conflict"]).toBe("False/NoConflicts");
  });
});

describe("identity", () => {
  test("IMP-35: same-named Services of two namespaces stay apart", async () => {
    for (const member of [a, b]) await member.namespace("other");
    await a.exported();
    await b.create(SERVICES, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: "other", name: "web" },
      spec: { ports: [{ name: "db", port: 5432 }] },
    } satisfies Service);
    await b.create<ServiceExport>(serviceExports(), {
      apiVersion: "multicluster.x-k8s.io/v1beta1",
      kind: "ServiceExport",
      metadata: { namespace: "other", name: "web" },
    });
    await world.settle();
    for (const member of [a, b]) {
      expect((await member.import())?.status?.clusters).toEqual([{ cluster: "a" }]);
      const other = await member.import("web", "other");
      expect(other?.spec.ports).toMatchObject([{ name: "db", port: 5432 }]);
      expect(other?.status?.clusters).toEqual([{ cluster: "b" }]);
    }
  });

  test("VIP-10, VIP-11: the derived Service is named as elsewhere", async () => {
    await a.exported();
    await world.settle();
    const name = (await b.import())?.metadata.annotations?.[
      "multicluster.kubernetes.io/derived-service"
    ];
    expect(name).toMatch(/^derived-[0-9a-v]{10}$/);
    expect((await b.derived())?.metadata).toMatchObject({
      name,
      ownerReferences: [{ kind: "ServiceImport", name: "web" }],
    });
  });
});
