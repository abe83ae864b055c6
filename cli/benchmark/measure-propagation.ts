import { serviceExports } from "../../api/mcs/service-export.ts";
import { type ServiceImport, serviceImports } from "../../api/mcs/service-import.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { addressesIn, askDns } from "../../sandbox/clusterset/ask-dns.ts";
import type { MemberUnderTest } from "../verify/members-under-test.ts";
import { exportOf, make, nameIn, TEST_SERVICE } from "../verify/test-service.ts";
import { find } from "../verify/verify-world.ts";
import { LOOK_MS, waitUntil } from "../verify/wait-until.ts";
import type { BenchmarkOptions } from "./benchmark-options.ts";
import { type Measurement, measured } from "./measurement.ts";

/** Our own server can be asked often; the API server less so. */
const ASK_MS = 5;

type Rounds = Pick<BenchmarkOptions, "rounds" | "timeoutMs" | "signal"> & {
  readonly namespace: string;
};

/**
 * From the creation of an export until its name is answered by the importer's DNS server, where that is reached from here, or else
 * until the importer's ServiceImport has an address. The last round's export is left in place.
 */
export async function measurePropagation(
  exporter: MemberUnderTest,
  importers: readonly MemberUnderTest[],
  options: Rounds,
): Promise<readonly Measurement[]> {
  const ms = new Map(importers.map(({ cluster }) => [cluster, new Array<number>()]));
  const failed = new Map<string, number>();
  const startMs = systemClock.monotonicMs();
  for (let round = 1; round <= options.rounds && !options.signal.aborted; round += 1) {
    const sentMs = systemClock.monotonicMs();
    const object = exportOf(options.namespace, exporter.mcsVersion);
    const made = await make(object, exporter.client, options.signal);
    if (!made.ok) return importers.map((one) => broken(exporter, one, made.error));
    await Promise.all(
      importers.map(async (importer) => {
        const { missing, atMs } = await waitFor(importer, true, options);
        if (missing === undefined) ms.get(importer.cluster)?.push(atMs - sentMs);
        else failed.set(importer.cluster, (failed.get(importer.cluster) ?? 0) + 1);
      }),
    );
    if (round === options.rounds) break;
    const ended = await endExport(exporter, options);
    if (ended !== undefined) return importers.map((one) => broken(exporter, one, ended));
    await Promise.all(importers.map((importer) => waitFor(importer, false, options)));
  }
  const elapsedMs = systemClock.monotonicMs() - startMs;
  return importers.map((importer) => {
    const { cluster } = importer;
    const samples = { ms: ms.get(cluster) ?? [], failed: failed.get(cluster) ?? 0, skipped: 0 };
    const about = { from: exporter.cluster, at: cluster, measure: "propagation" } as const;
    return measured(about, { ...samples, elapsedMs }, howSeen(importer));
  });
}

function howSeen({ dns }: MemberUnderTest): string {
  return dns === undefined
    ? `until the ServiceImport has an address, looked at every ${LOOK_MS} ms`
    : `until the DNS server answers, asked every ${ASK_MS} ms`;
}

function broken(exporter: MemberUnderTest, importer: MemberUnderTest, why: string): Measurement {
  const about = { from: exporter.cluster, at: importer.cluster, measure: "propagation" } as const;
  return { ...about, result: "failed", detail: why };
}

async function endExport(
  exporter: MemberUnderTest,
  { namespace, signal }: Rounds,
): Promise<string | undefined> {
  const resource = serviceExports(exporter.mcsVersion);
  const target = { resource, namespace, name: TEST_SERVICE };
  const removed = await exporter.client.delete(target, {}, { signal });
  return removed.ok ? undefined : `cannot end the export: ${removed.error.message}`;
}

function waitFor(
  importer: MemberUnderTest,
  isThere: boolean,
  options: Rounds,
): ReturnType<typeof waitUntil> {
  const { timeoutMs, signal } = options;
  const look = async (): Promise<string | undefined> => {
    const seen = await sees(importer, options);
    return seen === isThere ? undefined : `the name is ${seen ? "still" : "not yet"} there`;
  };
  const everyMs = importer.dns === undefined ? LOOK_MS : ASK_MS;
  return waitUntil(look, systemClock.monotonicMs() + timeoutMs, signal, everyMs);
}

async function sees(
  { client, dns, mcsVersion }: MemberUnderTest,
  { namespace, signal }: Rounds,
): Promise<boolean> {
  if (dns === undefined) {
    const resource = serviceImports(mcsVersion);
    const found = await find<ServiceImport>(client, resource, { namespace, signal });
    return (found?.spec.ips ?? []).length > 0;
  }
  const name = nameIn(namespace);
  for (const type of ["A", "AAAA"] as const) {
    if (addressesIn(await askDns({ ...dns, name, type }, systemClock)).length > 0) return true;
  }
  return false;
}
