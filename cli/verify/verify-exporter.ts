import { type ServiceExport, serviceExports } from "../../api/mcs/service-export.ts";
import { type ServiceImport, serviceImports } from "../../api/mcs/service-import.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { Check } from "./check.ts";
import { missingOfExport, readyEndpoints } from "./judge.ts";
import type { MemberUnderTest } from "./members-under-test.ts";
import { exportOf, make, TEST_SERVICE, workloadOf } from "./test-service.ts";
import { verifyImporter } from "./verify-importer.ts";
import { failed, find, outcome, slicesOf, type VerifyOptions, type World } from "./verify-world.ts";
import { waitUntil } from "./wait-until.ts";

/** One cluster exports, the others look: the whole way, and back. The namespace is there in all of them. */
export async function verifyExporter(
  exporter: MemberUnderTest,
  importers: readonly MemberUnderTest[],
  options: VerifyOptions,
): Promise<readonly Check[]> {
  const { namespace, timeoutMs, signal } = options;
  const from = exporter.cluster;
  for (const made of workloadOf(namespace, exporter.image)) {
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
