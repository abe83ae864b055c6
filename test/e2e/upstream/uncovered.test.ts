import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Condition } from "../../../api/kube/condition.ts";
import { SERVICES, type Service } from "../../../api/kube/service.ts";
import {
  CLUSTER_ID_PROPERTY,
  CLUSTERSET_PROPERTY,
  type ClusterProperty,
  clusterProperties,
} from "../../../api/mcs/cluster-property.ts";
import { ANNOTATION_DERIVED_SERVICE } from "../../../api/mcs/labels.ts";
import type { ServiceImport } from "../../../api/mcs/service-import.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { outcome } from "../harness/dns-records.ts";
import { CLUSTERSET, E2eClusterset } from "../harness/e2e-clusterset.ts";
import { HELLO_PORTS, HelloFixture, YOUNGER_MS } from "../harness/hello-fixture.ts";

/** Objects that upstream's conformance suite does not look at, on any API servers: endpoints are written by hand. */

let set: E2eClusterset;
beforeAll(async () => {
  set = await E2eClusterset.start();
});
afterAll(async () => {
  await set?.stop();
});

const HEADLESS = { clusterIP: "None" };

/** The condition, once status and reason are as wanted. */
async function condition(
  hello: HelloFixture,
  index: number,
  [type, wanted]: readonly [type: string, wanted: string],
): Promise<Condition> {
  await hello.condition(index, type, wanted);
  const { status, metadata } = (await set.cluster(index).export(hello.namespace, hello.name)) ?? {};
  const found = status?.conditions?.find((candidate) => candidate.type === type);
  if (found === undefined) throw new Error(`${type} was there and is gone`);
  // EXP-21
  expect(found.observedGeneration).toBe(metadata?.generation);
  return found;
}

/** Imports of all clusters as they are once each has exactly these exporters. */
function importsFrom(
  hello: HelloFixture,
  ids: readonly string[],
): Promise<readonly ServiceImport[]> {
  return Promise.all(
    set.clusters.map((cluster) =>
      hello.imported(cluster, (found) => exporters(found) === ids.toSorted().join()),
    ),
  );
}

function exporters(found: ServiceImport): string {
  return (found.status?.clusters ?? [])
    .map(({ cluster }) => cluster)
    .toSorted()
    .join();
}

describe.concurrent("status of an import", () => {
  test("status.clusters is exactly the valid exporters, in every cluster (IMP-25, IMP-26, EXP-18)", async () => {
    const hello = await HelloFixture.create(set);
    const [a, b] = [set.cluster(0).id, set.cluster(1).id];
    await hello.deploy(0);
    // No endpoints: an exporter all the same.
    await set.cluster(1).create(SERVICES, hello.service({}));
    await hello.export(0);
    await importsFrom(hello, [a]);
    await hello.export(1);
    await importsFrom(hello, [a, b]);
    await set.cluster(0).remove(SERVICES, hello.namespace, hello.name);
    await condition(hello, 0, ["Valid", "False/NoService"]);
    await importsFrom(hello, [b]);
    await set.cluster(0).create(SERVICES, hello.service({}));
    await importsFrom(hello, [a, b]);
    await hello.unexport(1);
    await importsFrom(hello, [a]);
  });

  test("endpointSliceObjects is Present for either type, with endpoints or without (IMP-32, IMP-34)", async () => {
    for (const given of [
      { spec: {}, hasEndpoints: true },
      { spec: HEADLESS, hasEndpoints: true },
      { spec: {}, hasEndpoints: false },
      { spec: HEADLESS, hasEndpoints: false },
    ]) {
      const hello = await HelloFixture.create(set);
      if (given.hasEndpoints) await hello.deploy(0, given.spec);
      else await set.cluster(0).create(SERVICES, hello.service(given.spec));
      await hello.export(0);
      for (const cluster of set.clusters) {
        const { status } = await hello.imported(cluster, (found) => found.status !== undefined);
        expect(status?.endpointSliceObjects, JSON.stringify(given)).toBe("Present");
      }
    }
  });

  test("Ready is False while somebody else's Service has the derived one's name, and says so (IMP-27, IMP-28)", async () => {
    const hello = await HelloFixture.create(set);
    const c1 = set.cluster(1);
    await hello.deploy(0);
    await hello.export(0);
    const isReady = ({ status }: ServiceImport): boolean =>
      status?.conditions?.[0]?.status === "True";
    for (const cluster of set.clusters) {
      const { status } = await hello.imported(cluster, isReady);
      expect(status?.conditions).toEqual([
        expect.objectContaining({
          type: "Ready",
          reason: "Ready",
          message: "the service is reachable",
        }),
      ]);
    }
    const before = await hello.imported(c1);
    const name = before.metadata.annotations?.[ANNOTATION_DERIVED_SERVICE] ?? "";
    const derived = (): Promise<Service | undefined> => c1.find(SERVICES, hello.namespace, name);
    expect((await derived())?.spec.clusterIPs).toEqual(before.spec.ips);
    await hello.unexport(0);
    await set.eventually("no derived Service", derived, (found) => found === undefined);

    const { spec } = hello.service({});
    const metadata = { namespace: hello.namespace, name };
    await c1.create<Service>(SERVICES, { apiVersion: "v1", kind: "Service", metadata, spec });
    await hello.export(0);
    const blocked = await hello.imported(
      c1,
      (found) => found.status?.conditions?.[0]?.status === "False",
    );
    expect(blocked.status?.conditions).toEqual([
      expect.objectContaining({
        type: "Ready",
        reason: "Pending",
        message: `no clusterset IP: a Service named ${name} exists and is not managed by Isthmus; delete or rename it`,
      }),
    ]);
    expect(blocked.spec.ips ?? []).toEqual([]);
    // DNS-16
    await set.eventually(
      "a name without address",
      () => outcome(c1, hello.dnsName, "A"),
      (is) => is === "NOERROR - SOA",
    );
    await c1.remove(SERVICES, hello.namespace, name);
    const after = await hello.imported(c1, isReady);
    expect(after.spec.ips).toHaveLength(after.spec.ipFamilies?.length ?? 0);
  });
});

describe.concurrent("conditions of an export", () => {
  test("reasons and messages say what is wrong, what is used and whose it is (EXP-19, EXP-20, EXP-24)", async () => {
    const hello = await HelloFixture.create(set);
    const [a, b] = [set.cluster(0).id, set.cluster(1).id];
    await hello.export(0);
    expect((await condition(hello, 0, ["Valid", "False/NoService"])).message).toBe(
      "no Service named hello in this namespace: nothing is exported until it exists",
    );
    expect((await condition(hello, 0, ["Ready", "False/Pending"])).message).toBe(
      "the export is not valid",
    );
    await hello.deploy(0);
    expect((await condition(hello, 0, ["Valid", "True/Valid"])).message).not.toBe("");
    expect((await condition(hello, 0, ["Ready", "True/Exported"])).message).toBe(
      "stored by the broker and offered to the clusterset",
    );
    expect((await condition(hello, 0, ["Conflict", "False/NoConflicts"])).message).toBe(
      "all exports of this service agree",
    );
    await sleep(systemClock, YOUNGER_MS, set.signal);
    const sctp = { name: "stcp", port: 142, protocol: "SCTP" } as const;
    await hello.deploy(1, { ports: [...HELLO_PORTS, sctp], sessionAffinity: "None" });
    await hello.export(1);
    for (const index of [0, 1]) {
      const reason = "PortConflict,SessionAffinityConflict,SessionAffinityConfigConflict";
      const { message } = await condition(hello, index, ["Conflict", `True/${reason}`]);
      expect(message.split("\n")).toEqual([
        `ports: tcp 42/TCP, udp 42/UDP from ${a} (oldest export) is used, extended by stcp 142/SCTP from ${b}; 1 of 2 clusters differ`,
        `sessionAffinity: ClientIP from ${a} (oldest export) is used; 1 of 2 clusters differ`,
        `sessionAffinityConfig.clientIP.timeoutSeconds: 10 from ${a} (oldest export) is used; 1 of 2 clusters differ`,
      ]);
    }
  });

  test("Conflict goes back to False when the Service is mended, and only then does its time move (CON-12, CON-15, EXP-23)", async () => {
    const hello = await HelloFixture.create(set);
    await hello.deploy(0);
    await hello.exportFirst(0);
    const [before] = await importsFrom(hello, [set.cluster(0).id]);
    const setPorts = async (ports: Service["spec"]["ports"]): Promise<void> => {
      const at = { resource: SERVICES, namespace: hello.namespace, name: hello.name };
      const patched = await set
        .cluster(1)
        .kube.mergePatch(at, { spec: { ports } }, { signal: set.signal });
      if (!patched.ok) throw new Error(patched.error.message);
    };
    await hello.deploy(1, { ports: [{ name: "tcp", port: 43, protocol: "TCP" }] });
    await hello.export(1);
    const disagree = ["Conflict", "True/PortConflict"] as const;
    const first = [await condition(hello, 0, disagree), await condition(hello, 1, disagree)];
    const both = [set.cluster(0).id, set.cluster(1).id];
    for (const { spec } of (await importsFrom(hello, both)).slice(0, 1))
      expect(spec).toEqual(before?.spec);
    // Another disagreement is no other status.
    await setPorts([{ name: "tcp", port: 44, protocol: "TCP" }, ...HELLO_PORTS.slice(1)]);
    await set.throughout(
      "the conflict with the time of its beginning",
      () => Promise.all([0, 1].map((index) => condition(hello, index, disagree))),
      (now) =>
        now.every(
          ({ lastTransitionTime }, at) => lastTransitionTime === first[at]?.lastTransitionTime,
        ),
    );
    await setPorts(HELLO_PORTS);
    for (const index of [0, 1]) {
      const { lastTransitionTime } = await condition(hello, index, [
        "Conflict",
        "False/NoConflicts",
      ]);
      expect(Date.parse(lastTransitionTime)).toBeGreaterThan(
        Date.parse(first[index]?.lastTransitionTime ?? ""),
      );
    }
    for (const { spec } of (await importsFrom(hello, both)).slice(0, 1))
      expect(spec).toEqual(before?.spec);
  });

  test("IPFamilyConflict when a cluster shares no family with the oldest export (IMP-19)", async () => {
    const hello = await HelloFixture.create(set);
    // Headless and without selector: Kubernetes lets such a Service have families that its cluster has not.
    const only = (family: "IPv4" | "IPv6") =>
      ({ ...HEADLESS, ipFamilyPolicy: "SingleStack", ipFamilies: [family] }) as const;
    await hello.deploy(0, only("IPv4"));
    await hello.exportFirst(0);
    await hello.deploy(1, only("IPv6"));
    await hello.export(1);
    for (const index of [0, 1]) {
      expect((await condition(hello, index, ["Conflict", "True/IPFamilyConflict"])).message).toBe(
        `ipFamilies: IPv4 from ${set.cluster(0).id} (oldest export) is used; 1 of 2 clusters differ`,
      );
    }
    for (const { spec } of await importsFrom(hello, [set.cluster(0).id, set.cluster(1).id])) {
      expect(spec.ipFamilies).toEqual(["IPv4"]);
    }
    await hello.unexport(0);
    await condition(hello, 1, ["Conflict", "False/NoConflicts"]);
  });
});

test("three exporters: one union of ports in every cluster, one verdict on every export, each succession the same (CON-01, CON-10, CON-16, IMP-08)", async ({
  skip,
}) => {
  skip(set.clusters.length < 3, "needs three clusters");
  const hello = await HelloFixture.create(set);
  const [a, b, c] = [set.cluster(0).id, set.cluster(1).id, set.cluster(2).id];
  const extra = { name: "a", port: 100, protocol: "TCP" } as const;
  const other = { name: "b", port: 200, protocol: "TCP" } as const;
  await hello.deploy(0);
  await hello.exportFirst(0);
  await hello.deploy(1, { ports: [...HELLO_PORTS, extra] });
  await hello.exportFirst(1);
  await hello.deploy(2, { ports: [{ name: "tcp", port: 43, protocol: "TCP" }, other] });
  await hello.export(2);
  const portsFrom = async (ids: readonly string[]): Promise<readonly string[]> => {
    const imports = await importsFrom(hello, ids);
    const texts = imports.map(({ spec }) =>
      spec.ports.map(({ name, port, protocol }) => `${name} ${port}/${protocol}`).join(),
    );
    return [...new Set(texts)];
  };
  expect(await portsFrom([a, b, c])).toEqual(["tcp 42/TCP,udp 42/UDP,a 100/TCP,b 200/TCP"]);
  const conflict = `ports: tcp 42/TCP, udp 42/UDP from ${a} (oldest export) is used, extended by a 100/TCP from ${b}, b 200/TCP from ${c}; 2 of 3 clusters differ`;
  for (const index of [0, 1, 2]) {
    // With two of them it was the same reason: the third shows in the message.
    await set.eventually(
      `export ${index} to tell of three`,
      async () => (await condition(hello, index, ["Conflict", "True/PortConflict"])).message,
      (message) => message === conflict,
    );
  }
  for (const cluster of set.clusters) {
    await set.eventually(
      `${cluster.id} to have endpoints of all three`,
      () => cluster.backends(hello.namespace, hello.name),
      (found) => new Set(found.map((backend) => backend.split(" ")[0])).size === 3,
    );
  }
  // The oldest that is left decides: the second cluster, then the third.
  await hello.unexport(0);
  expect(await portsFrom([b, c])).toEqual(["tcp 42/TCP,udp 42/UDP,a 100/TCP,b 200/TCP"]);
  await hello.unexport(1);
  expect(await portsFrom([c])).toEqual(["tcp 43/TCP,b 200/TCP"]);
  await condition(hello, 2, ["Conflict", "False/NoConflicts"]);
});

test("an unnamed port stays unnamed in imports and gets a name where Kubernetes needs one (CON-22, DNS-12)", async () => {
  const hello = await HelloFixture.create(set);
  await hello.deploy(0, { ports: [{ port: 80 }] });
  await hello.exportFirst(0);
  await hello.deploy(1, {
    ports: [
      { name: "web", port: 80 },
      { name: "more", port: 90 },
    ],
  });
  await hello.export(1);
  for (const cluster of set.clusters) {
    const { metadata, spec } = await hello.imported(
      cluster,
      (found) => found.spec.ports.length === 2,
    );
    expect(spec.ports).toEqual([
      { protocol: "TCP", port: 80 },
      { name: "more", protocol: "TCP", port: 90 },
    ]);
    const name = metadata.annotations?.[ANNOTATION_DERIVED_SERVICE] ?? "";
    await set.eventually(
      `${cluster.id} to have names for both ports in Service and slices`,
      async () => {
        const derived = await cluster.find<Service>(SERVICES, hello.namespace, name);
        const slices = await cluster.slices(hello.namespace, hello.name);
        return [derived?.spec.ports, ...slices.map(({ ports }) => ports)].map((ports) =>
          (ports ?? []).map((port) => `${port.name} ${port.port}`).join(),
        );
      },
      (found) => [...new Set(found)].toSorted().join(" | ") === "p-80-tcp 80 | p-80-tcp 80,more 90",
    );
    await set.eventually(
      `${cluster.id} to answer SRV of the named port`,
      () => outcome(cluster, `_more._tcp.${hello.dnsName}`, "SRV"),
      (is) => is === "NOERROR SRV",
    );
    for (const port of ["_p-80-tcp._tcp", "_web._tcp", "_._tcp"])
      expect(await outcome(cluster, `${port}.${hello.dnsName}`, "SRV")).toBe("NXDOMAIN - SOA");
  }
});

test("ClusterProperty: each member says who it is and where it belongs, and again when that was deleted (CID-03, CID-06)", async () => {
  for (const cluster of set.clusters) {
    for (const [name, value] of [
      [CLUSTER_ID_PROPERTY, cluster.id],
      [CLUSTERSET_PROPERTY, CLUSTERSET],
    ] as const) {
      const look = (): Promise<ClusterProperty | undefined> =>
        cluster.find(clusterProperties(), undefined, name);
      const before = await look();
      expect(before?.spec.value).toBe(value);
      await cluster.remove(clusterProperties(), undefined, name);
      await set.eventually(
        `${name} of ${cluster.id} to come back`,
        look,
        (found) => found?.spec.value === value && found.metadata.uid !== before?.metadata.uid,
      );
    }
  }
});

test("Ready of an export is Unknown while the broker is away, and True once it has stored it (EXP-19, EXP-27)", async () => {
  const hello = await HelloFixture.create(set);
  await hello.deploy(0);
  await set.processes.broker.stop();
  await hello.export(0);
  expect((await condition(hello, 0, ["Ready", "Unknown/Pending"])).message).toBe(
    "waiting for the broker to store the export",
  );
  await condition(hello, 0, ["Valid", "True/Valid"]);
  set.processes.broker.start();
  await set.ready();
  await condition(hello, 0, ["Ready", "True/Exported"]);
  for (const cluster of set.clusters) await hello.imported(cluster);
});
