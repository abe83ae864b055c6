import { LABEL_SERVICE_NAME } from "../../api/mcs/labels.ts";
import { type ServiceImport, serviceImports } from "../../api/mcs/service-import.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { addressesIn, askDns } from "../../sandbox/clusterset/ask-dns.ts";
import { httpThroughSocks } from "../../sandbox/clusterset/http-through-socks.ts";
import type { Check } from "./check.ts";
import { type ClientReport, missingOfName, missingOfRequest } from "./client-report.ts";
import { missingOfImport, readyEndpoints } from "./judge.ts";
import type { HostPort, MemberUnderTest } from "./members-under-test.ts";
import { nameIn, TEST_PORT, TEST_SERVICE } from "./test-service.ts";
import { clientPodOf, type InPod, verifyInPod } from "./verify-in-pod.ts";
import { find, outcome, slicesOf, untested, type World } from "./verify-world.ts";
import { waitUntil } from "./wait-until.ts";

/** What an importer has to show of one export. */
export async function verifyImporter(
  importer: MemberUnderTest,
  world: World,
): Promise<readonly Check[]> {
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
  const endpoints = hasPods
    ? await verifyEndpoints(importer, world)
    : untested(world, at, "endpoints", NO_PODS);
  const pod = await clientPodOf(importer, world);
  return [
    ...checks,
    endpoints,
    importer.dns === undefined
      ? await verifyNameInPod(importer, ips, { pod, world })
      : await verifyName(importer.dns, ips, { at, world }),
    hasPods
      ? await verifyRequest(importer, { pod, world })
      : untested(world, at, "request", NO_PODS),
  ];
}

const NO_PODS = "the test service has no ready pod";

function verifyNameInPod(
  { cluster }: MemberUnderTest,
  ips: readonly string[],
  { pod, world }: InPod,
): Promise<Check> {
  const judge = (report: ClientReport): string | undefined => missingOfName(report, ips);
  const show = ({ addresses }: ClientReport): string => `${addresses.join(", ")} (a pod's DNS)`;
  return verifyInPod({ pod, world }, { at: cluster, check: "name", judge, show });
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

async function verifyName(
  dns: HostPort,
  ips: readonly string[],
  { at: cluster, world }: { readonly at: string; readonly world: World },
): Promise<Check> {
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

async function verifyRequest(
  { cluster, entry }: MemberUnderTest,
  { pod, world }: InPod,
): Promise<Check> {
  if (entry === undefined) {
    const show = ({ body = "" }: ClientReport): string => `answered by ${body}`;
    const judge = missingOfRequest;
    return verifyInPod({ pod, world }, { at: cluster, check: "request", judge, show });
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
