import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENDPOINT_SLICES } from "../../../api/kube/endpoint-slice.ts";
import { SERVICES } from "../../../api/kube/service.ts";
import { addresses, ask, outcome, srv } from "../harness/dns-records.ts";
import type { E2eCluster } from "../harness/e2e-cluster.ts";
import { E2eClusterset } from "../harness/e2e-clusterset.ts";
import { HelloFixture } from "../harness/hello-fixture.ts";
import { ServiceFixture } from "../harness/service-fixture.ts";

/** Names that upstream's conformance suite does not ask for, on any API servers: endpoints are written by hand. */

let set: E2eClusterset;
beforeAll(async () => {
  set = await E2eClusterset.start();
});
afterAll(async () => {
  await set?.stop();
});

const ZONE = "clusterset.local";
const HEADLESS = { clusterIP: "None" };
const ABSENT = "NXDOMAIN - SOA";
const NODATA = "NOERROR - SOA";

/** What each of these clusters' own processes answers is awaited: they follow the objects a moment later. */
function says<T>(
  cluster: E2eCluster,
  what: string,
  look: () => Promise<T>,
  wanted: T,
): Promise<unknown> {
  return set.eventually(
    `${cluster.id} to answer ${what} with ${JSON.stringify(wanted)}`,
    look,
    (found) => JSON.stringify(found) === JSON.stringify(wanted),
  );
}

/** `<address with dashes>.<cluster>.<service>` of hand-written endpoints, one for each family that the import has. */
async function podNames(
  hello: HelloFixture,
  cluster: E2eCluster,
  index: number,
): Promise<string[]> {
  const { spec } = await hello.imported(cluster, (found) => found.spec.ipFamilies !== undefined);
  return (spec.ipFamilies ?? []).map((family) => {
    const label = hello.address(index, family).replaceAll(/[.:]/g, "-");
    return `${label}.${set.cluster(index).id}.${hello.dnsName}`;
  });
}

describe.concurrent("SRV at _port._proto", () => {
  test("of a ClusterSetIP import: one record with the Service's port, for named ports only (DNS-04, DNS-11, DNS-12)", async () => {
    const hello = await HelloFixture.create(set);
    await hello.deploy(0);
    await hello.export(0);
    const { dnsName } = hello;
    for (const cluster of set.clusters) {
      for (const name of [`_tcp._tcp.${dnsName}`, `_udp._udp.${dnsName}`, `_TCP._Tcp.${dnsName}`]) {
        await says(cluster, name, () => srv(cluster, name), [`42 ${dnsName}`]);
      }
      for (const port of ["_tcp._udp", "_udp._tcp", "_none._tcp", "_42._tcp", "_._tcp"]) {
        expect(await outcome(cluster, `${port}.${dnsName}`, "SRV"), port).toBe(ABSENT);
      }
    }
  });

  test("of a headless import: one record for each endpoint of each cluster (DNS-23)", async () => {
    const hello = await HelloFixture.create(set);
    await hello.deploy(0, HEADLESS);
    await hello.deploy(1, HEADLESS);
    await hello.export(0);
    await hello.export(1);
    for (const cluster of set.clusters) {
      const targets = [
        ...(await podNames(hello, cluster, 0)),
        ...(await podNames(hello, cluster, 1)),
      ];
      expect(targets.length).toBeGreaterThanOrEqual(2);
      const wanted = targets.map((target) => `42 ${target}`).toSorted();
      for (const port of ["_tcp._tcp", "_udp._udp"]) {
        const name = `${port}.${hello.dnsName}`;
        await says(cluster, name, () => srv(cluster, name), wanted);
      }
      expect(await outcome(cluster, `_tcp._udp.${hello.dnsName}`, "SRV")).toBe(ABSENT);
    }
  });
});

test("dns-version is 1.0.0 in every cluster (DNS-02, DNS-03)", async () => {
  for (const cluster of set.clusters) {
    const answer = await ask(cluster, `dns-version.${ZONE}`, "TXT");
    expect(answer?.flag_aa).toBe(true);
    const records = (answer?.answers ?? []).flatMap((record) =>
      record.type === "TXT" ? [[record.ttl, String(record.data)]] : [],
    );
    expect(records).toEqual([[28_800, "1.0.0"]]);
  }
});

describe.concurrent("reserved names", () => {
  test("no cluster of a ClusterSetIP import has a name, nor has its endpoint (DNS-30, DNS-33, DNS-34)", async () => {
    const hello = await HelloFixture.create(set);
    await hello.deploy(0);
    await hello.export(0);
    const ofCluster = `${set.cluster(0).id}.${hello.dnsName}`;
    for (const cluster of set.clusters) {
      await says(cluster, "A", () => outcome(cluster, hello.dnsName, "A"), "NOERROR A");
      for (const name of [
        ofCluster,
        `_tcp._tcp.${ofCluster}`,
        ...(await podNames(hello, cluster, 0)),
        `hello-0.${hello.dnsName}`,
        `*.${hello.dnsName}`,
        `10-1-220-1.${hello.namespace}.pod.${ZONE}`,
      ]) {
        for (const type of ["A", "AAAA", "SRV"] as const)
          expect(await outcome(cluster, name, type), `${type} ${name}`).toBe(ABSENT);
      }
    }
  });

  test("a cluster of a headless import has no record although its endpoints have names (DNS-21, DNS-30, DNS-43)", async () => {
    const hello = await HelloFixture.create(set);
    await hello.deploy(0, HEADLESS);
    await hello.export(0);
    const ofCluster = `${set.cluster(0).id}.${hello.dnsName}`;
    for (const cluster of set.clusters) {
      const { spec } = await hello.imported(cluster, ({ spec: is }) => is.ipFamilies !== undefined);
      const names = await podNames(hello, cluster, 0);
      for (const [at, family] of (spec.ipFamilies ?? []).entries()) {
        const name = names[at] ?? "";
        await says(cluster, name, () => addresses(cluster, name, family), [
          hello.address(0, family),
        ]);
      }
      for (const type of ["A", "AAAA", "SRV"] as const) {
        expect(await outcome(cluster, ofCluster, type)).toBe(NODATA);
        expect(await outcome(cluster, `_tcp._tcp.${ofCluster}`, type)).toBe(ABSENT);
        expect(await outcome(cluster, `${set.cluster(1).id}.${hello.dnsName}`, type)).toBe(ABSENT);
        expect(await outcome(cluster, `hello-0.${hello.dnsName}`, type)).toBe(ABSENT);
      }
    }
  });
});

test("NXDOMAIN for names that are not, NODATA for types that are not, both with SOA (section 7.5, DNS-31, DNS-41)", async () => {
  const hello = await HelloFixture.create(set);
  await hello.deploy(0, { ipFamilyPolicy: "SingleStack" });
  await hello.export(0);
  const { dnsName, namespace } = hello;
  for (const cluster of set.clusters) {
    const { spec } = await hello.imported(cluster, (found) => (found.spec.ips ?? []).length > 0);
    const [has, lacks] =
      spec.ipFamilies?.[0] === "IPv6" ? (["AAAA", "A"] as const) : (["A", "AAAA"] as const);
    await says(cluster, has, () => outcome(cluster, dnsName, has), `NOERROR ${has}`);
    for (const [name, type, wanted] of [
      [dnsName, lacks, NODATA],
      [dnsName, "TXT", NODATA],
      [`_tcp._tcp.${dnsName}`, "A", NODATA],
      [`_tcp.${dnsName}`, "SRV", NODATA],
      [`svc.${ZONE}`, "A", NODATA],
      [`${namespace}.svc.${ZONE}`, "A", NODATA],
      [`dns-version.${ZONE}`, "A", NODATA],
      [ZONE, "A", NODATA],
      [ZONE, "SOA", "NOERROR SOA"],
      [ZONE, "NS", "NOERROR NS"],
      [`other.${namespace}.svc.${ZONE}`, "A", ABSENT],
      [`hello.e2e-nowhere.svc.${ZONE}`, "A", ABSENT],
      [`e2e-nowhere.svc.${ZONE}`, "A", ABSENT],
      [`hello.${namespace}.${ZONE}`, "A", ABSENT],
      [`10-1-220-1.no-such-cluster.${dnsName}`, "A", ABSENT],
    ] as const) {
      expect(await outcome(cluster, name, type), `${type} ${name}`).toBe(wanted);
    }
  }
});

test("a namespace that is missing in an importer has no names there until it comes (IMP-03, DNS-31)", async () => {
  const [c0, c1] = [set.cluster(0), set.cluster(1)];
  const web = new ServiceFixture(await set.namespace([c0]), "web", set.signal);
  const ofNamespace = `${web.namespace}.svc.${ZONE}`;
  await web.deploy(c0, ["10.1.240.1"]);
  await web.export(c0);
  await says(c0, "A", () => outcome(c0, web.dnsName, "A"), "NOERROR A");
  await set.throughout(
    "neither name nor namespace where it is missing",
    () => Promise.all([web.dnsName, ofNamespace].map((name) => outcome(c1, name, "A"))),
    (found) => found.every((is) => is === ABSENT),
    1_000,
  );
  await c1.createNamespace(web.namespace);
  await says(c1, "A", () => outcome(c1, web.dnsName, "A"), "NOERROR A");
  expect(await outcome(c1, ofNamespace, "A")).toBe(NODATA);
});

describe.concurrent("without endpoints", () => {
  test("a headless service is imported and has no name until an endpoint comes (IMP-26, DNS-22)", async () => {
    const hello = await HelloFixture.create(set);
    const web = new ServiceFixture(hello.namespace, hello.name, set.signal);
    const c0 = set.cluster(0);
    await c0.create(
      SERVICES,
      web.service({ ...HEADLESS, ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv4"] }),
    );
    await web.export(c0);
    for (const cluster of set.clusters) {
      const found = await hello.imported(cluster, ({ status }) => status?.clusters !== undefined);
      expect(found.spec.type).toBe("Headless");
      expect(found.status?.clusters).toEqual([{ cluster: c0.id }]);
      for (const name of [hello.dnsName, `_http._tcp.${hello.dnsName}`]) {
        for (const type of ["A", "AAAA", "SRV"] as const)
          expect(await outcome(cluster, name, type), `${type} ${name}`).toBe(ABSENT);
      }
    }
    await c0.create(ENDPOINT_SLICES, web.slice(["10.1.241.1"]));
    for (const cluster of set.clusters)
      await says(cluster, "A", () => addresses(cluster, hello.dnsName, "IPv4"), ["10.1.241.1"]);
    await web.setAddresses(c0, []);
    for (const cluster of set.clusters)
      await says(cluster, "A", () => outcome(cluster, hello.dnsName, "A"), ABSENT);
  });

  test("a ClusterSetIP service is answered with its address all the same (IMP-26, DNS-15)", async () => {
    const hello = await HelloFixture.create(set);
    await set.cluster(0).create(SERVICES, hello.service({}));
    await hello.export(0);
    for (const cluster of set.clusters) {
      const { spec } = await hello.imported(cluster, (found) => (found.spec.ips ?? []).length > 0);
      for (const [at, family] of (spec.ipFamilies ?? []).entries())
        await says(cluster, family, () => addresses(cluster, hello.dnsName, family), [
          spec.ips?.[at] ?? "",
        ]);
      expect(await srv(cluster, `_tcp._tcp.${hello.dnsName}`)).toEqual([`42 ${hello.dnsName}`]);
      expect(await cluster.backends(hello.namespace, hello.name)).toEqual([]);
    }
  });
});
