import { ENDPOINT_SLICES, type EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { LABEL_SERVICE_NAME } from "../../api/mcs/labels.ts";
import { type ServiceExport, serviceExports } from "../../api/mcs/service-export.ts";
import { type ServiceImport, serviceImports } from "../../api/mcs/service-import.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient, ListQuery } from "../../runtime/kube/kube-client.ts";
import { addressesIn, askDns } from "../../sandbox/clusterset/ask-dns.ts";
import { httpThroughSocks } from "../../sandbox/clusterset/http-through-socks.ts";
import type { Check } from "./check.ts";
import { missingOfExport, missingOfImport, readyEndpoints } from "./judge.ts";
import type { MemberUnderTest } from "./members-under-test.ts";
import { exportOf, make, TEST_PORT, TEST_SERVICE, workloadOf } from "./test-service.ts";
import { waitUntil } from "./wait-until.ts";

export interface VerifyOptions {
  readonly namespace: string;
  readonly image: string;
  /** For each thing that is waited for, milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** One cluster exports, the others look: the whole way, and back. The namespace is there in all of them. */
export async function verifyExporter(
  exporter: MemberUnderTest,
  importers: readonly MemberUnderTest[],
  options: VerifyOptions,
): Promise<readonly Check[]> {
  const { namespace, image, timeoutMs, signal } = options;
  const from = exporter.cluster;
  for (const made of workloadOf(namespace, image)) {
    const done = await make(made, exporter.client, signal);
    if (!done.ok) return [failed(from, from, "test service", done.error)];
  }
  const pods = await waitUntil(
    async () => {
      const query = `kubernetes.io/service-name=${TEST_SERVICE}`;
      const slices = await slicesOf(exporter.client, { namespace, labelSelector: query }, signal);
      return readyEndpoints(slices, undefined).length > 0 ? undefined : "no pod is ready";
    },
    systemClock.monotonicMs() + timeoutMs,
    signal,
  );
  const hasPods = pods.missing === undefined;
  const startMs = systemClock.monotonicMs();
  const world = { ...options, from, hasPods, startMs };
  const exported = await make(exportOf(namespace, exporter.mcsVersion), exporter.client, signal);
  if (!exported.ok) return [failed(from, from, "export", exported.error)];
  const valid = await waitUntil(
    async () => {
      const resource = serviceExports(exporter.mcsVersion);
      return missingOfExport(await find<ServiceExport>(exporter.client, resource, options));
    },
    startMs + timeoutMs,
    signal,
  );
  const seen = await Promise.all(importers.map((importer) => verifyImporter(importer, world)));
  const checks = [outcome(world, from, "export is valid", valid, ""), ...seen.flat()];
  return [...checks, ...(await verifyEnd(exporter, importers, world))];
}

type World = VerifyOptions & {
  readonly from: string;
  /** Whether the test service has a pod: without one nobody can be reached. */
  readonly hasPods: boolean;
  readonly startMs: number;
};

async function verifyImporter(importer: MemberUnderTest, world: World): Promise<readonly Check[]> {
  const { startMs, timeoutMs, signal, from, hasPods } = world;
  const at = importer.cluster;
  const untilMs = startMs + timeoutMs;
  let ips: readonly string[] = [];
  const imported = await waitUntil(
    async () => {
      const resource = serviceImports(importer.mcsVersion);
      const found = await find<ServiceImport>(importer.client, resource, world);
      ips = found?.spec.ips ?? [];
      return missingOfImport(found, from);
    },
    untilMs,
    signal,
  );
  const checks = [outcome(world, at, "service is imported", imported, ips.join(", "))];
  if (imported.missing !== undefined) return checks;
  return [
    ...checks,
    hasPods
      ? await verifyEndpoints(importer, world)
      : untested(world, at, "endpoints", "the test service has no ready pod"),
    await verifyName(importer, ips, world),
    hasPods
      ? await verifyRequest(importer, world)
      : untested(world, at, "request", "the test service has no ready pod"),
  ];
}

async function verifyEndpoints(importer: MemberUnderTest, world: World): Promise<Check> {
  const { namespace, from, startMs, timeoutMs, signal } = world;
  let found: readonly string[] = [];
  const waited = await waitUntil(
    async () => {
      const query = { namespace, labelSelector: `${LABEL_SERVICE_NAME}=${TEST_SERVICE}` };
      found = readyEndpoints(await slicesOf(importer.client, query, signal), from);
      return found.length > 0 ? undefined : `no ready endpoint of ${from}`;
    },
    startMs + timeoutMs,
    signal,
  );
  return outcome(world, importer.cluster, "endpoints", waited, found.join(", "));
}

const nameIn = (namespace: string): string => `${TEST_SERVICE}.${namespace}.svc.clusterset.local`;

async function verifyName(
  { cluster, dns }: MemberUnderTest,
  ips: readonly string[],
  world: World,
): Promise<Check> {
  if (dns === undefined) {
    return untested(
      world,
      cluster,
      "name",
      "its DNS server is not reached from here: --dns-server",
    );
  }
  const name = nameIn(world.namespace);
  let found: readonly string[] = [];
  const waited = await waitUntil(
    async () => {
      const types = ["A", "AAAA"] as const;
      const answers = types.map((type) => askDns({ ...dns, name, type }, systemClock));
      found = (await Promise.all(answers)).flatMap(addressesIn);
      const isSame = found.toSorted().join() === ips.toSorted().join();
      return isSame ? undefined : `must be ${ips.join(", ")}: got ${found.join(", ") || "nothing"}`;
    },
    world.startMs + world.timeoutMs,
    world.signal,
  );
  return outcome(world, cluster, "name", waited, found.join(", "));
}

async function verifyRequest({ cluster, entry }: MemberUnderTest, world: World): Promise<Check> {
  if (entry === undefined) {
    return untested(world, cluster, "request", "no entry into the cluster: --entry");
  }
  const url = new URL(`http://${nameIn(world.namespace)}:${TEST_PORT}/hostname`);
  let sentMs = 0;
  const waited = await waitUntil(
    async () => {
      sentMs = systemClock.monotonicMs();
      try {
        const options = { clock: systemClock, socksHost: entry.host };
        const { status } = await httpThroughSocks(entry.port, url, options);
        return status === 200 ? undefined : `HTTP status ${status}`;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
    world.startMs + world.timeoutMs,
    world.signal,
  );
  return outcome({ ...world, startMs: sentMs }, cluster, "request", waited, url.host);
}

/** An export that ends takes its import along: nothing that is not exported is to be seen (I2). */
async function verifyEnd(
  exporter: MemberUnderTest,
  importers: readonly MemberUnderTest[],
  world: World,
): Promise<readonly Check[]> {
  const { namespace, timeoutMs, signal } = world;
  const resource = serviceExports(exporter.mcsVersion);
  const startMs = systemClock.monotonicMs();
  const target = { resource, namespace, name: TEST_SERVICE };
  const removed = await exporter.client.delete(target, {}, { signal });
  if (!removed.ok) {
    return [failed(world.from, world.from, "end of export", removed.error.message)];
  }
  return Promise.all(
    importers.map(async (importer) => {
      const waited = await waitUntil(
        async () => {
          const kind = serviceImports(importer.mcsVersion);
          const found = await find<ServiceImport>(importer.client, kind, world);
          return found === undefined ? undefined : "the ServiceImport is still there";
        },
        startMs + timeoutMs,
        signal,
      );
      return outcome({ ...world, startMs }, importer.cluster, "end of export", waited, "");
    }),
  );
}

/** A request that failed is told as nothing there: it is looked at again. */
async function find<T extends KubeObject>(
  client: KubeClient,
  resource: ReturnType<typeof serviceExports>,
  { namespace, signal }: Pick<VerifyOptions, "namespace" | "signal">,
): Promise<T | undefined> {
  const got = await client.get<T>({ resource, namespace, name: TEST_SERVICE }, { signal });
  return got.ok ? got.value : undefined;
}

async function slicesOf(
  client: KubeClient,
  query: ListQuery,
  signal: AbortSignal,
): Promise<readonly EndpointSlice[]> {
  const listed = await client.list<EndpointSlice>(ENDPOINT_SLICES, query, { signal });
  return listed.ok ? listed.value.items : [];
}

function outcome(
  { from, startMs }: Pick<World, "from" | "startMs">,
  at: string,
  check: string,
  { missing, atMs }: { readonly missing: string | undefined; readonly atMs: number },
  detail: string,
): Check {
  if (missing !== undefined) return failed(from, at, check, missing);
  return { from, at, check, result: "passed", detail, ms: Math.round(atMs - startMs) };
}

function failed(from: string, at: string, check: string, detail: string): Check {
  return { from, at, check, result: "failed", detail };
}

function untested({ from }: Pick<World, "from">, at: string, check: string, why: string): Check {
  return { from, at, check, result: "not tested", detail: why };
}
