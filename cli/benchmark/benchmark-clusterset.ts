import type { KubeObject } from "../../api/kube/object.ts";
import { parsePeer } from "../../api/network/parse-network-objects.ts";
import { PEERS } from "../../api/network/resources.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { readyEndpoints } from "../verify/judge.ts";
import type { MemberUnderTest } from "../verify/members-under-test.ts";
import { make, TEST_SERVICE, workloadOf } from "../verify/test-service.ts";
import { makeNamespaces, removeNamespaces } from "../verify/verify-clusterset.ts";
import { slicesOf } from "../verify/verify-world.ts";
import { waitUntil } from "../verify/wait-until.ts";
import type { BenchmarkOptions } from "./benchmark-options.ts";
import { measureImporter } from "./measure-importer.ts";
import { measurePropagation } from "./measure-propagation.ts";
import type { Measurement } from "./measurement.ts";

/**
 * The first cluster exports, the others measure, one after another, so that they do not disturb each other. All of it is in a
 * namespace of its own that is gone afterwards, as in `isthmus verify`.
 */
export async function benchmarkClusterset(
  [exporter, ...importers]: readonly [MemberUnderTest, ...MemberUnderTest[]],
  options: BenchmarkOptions & { readonly unique: string },
): Promise<readonly Measurement[]> {
  const namespace = `isthmus-benchmark-${options.unique}`;
  const members = [exporter, ...importers];
  const done: Measurement[] = [];
  try {
    const refused = await makeNamespaces(namespace, members, options.signal);
    if (refused === undefined)
      done.push(...(await measure(exporter, importers, { ...options, namespace })));
    else {
      const about = { from: exporter.cluster, at: refused.at, measure: "propagation" } as const;
      done.push({ ...about, result: "failed", detail: refused.detail });
    }
  } finally {
    for (const { at, result, detail } of await removeNamespaces(namespace, exporter, members)) {
      if (result === "passed") continue;
      done.push({ from: exporter.cluster, at, measure: "clean", result: "failed", detail });
    }
  }
  return done;
}

async function measure(
  exporter: MemberUnderTest,
  importers: readonly MemberUnderTest[],
  options: BenchmarkOptions & { readonly namespace: string },
): Promise<readonly Measurement[]> {
  const { namespace, signal } = options;
  for (const made of workloadOf(namespace, exporter.image)) {
    const result = await make(made, exporter.client, signal);
    if (result.ok) continue;
    const about = { from: exporter.cluster, at: exporter.cluster, measure: "propagation" } as const;
    return [{ ...about, result: "failed", detail: result.error }];
  }
  const ready = (
    client: MemberUnderTest,
    label: string,
    from?: string,
  ): Promise<string | undefined> =>
    isReady(client, { ...options, labelSelector: `${label}=${TEST_SERVICE}` }, from);
  const noPods = await ready(exporter, "kubernetes.io/service-name");
  const done = [...(await measurePropagation(exporter, importers, options))];
  for (const importer of importers) {
    if (signal.aborted) break;
    const label = "multicluster.kubernetes.io/service-name";
    const missing = noPods ?? (await ready(importer, label, exporter.cluster));
    const backend = await backendTo(exporter.cluster, importer, signal);
    const place = { ...options, from: exporter.cluster, noPods: missing, backend };
    done.push(...(await measureImporter(importer, place)));
  }
  return done;
}

/** Why there is no endpoint that can be asked; undefined: there is one. */
async function isReady(
  { client }: MemberUnderTest,
  {
    namespace,
    labelSelector,
    timeoutMs,
    signal,
  }: BenchmarkOptions & {
    readonly namespace: string;
    readonly labelSelector: string;
  },
  from: string | undefined,
): Promise<string | undefined> {
  const { missing } = await waitUntil(
    async () => {
      const slices = await slicesOf(client, { namespace, labelSelector }, signal);
      return readyEndpoints(slices, from).length > 0
        ? undefined
        : "the test service has no ready pod";
    },
    systemClock.monotonicMs() + timeoutMs,
    signal,
  );
  return missing;
}

/** As the importer's controllers chose it; undefined: no backend is configured, or they do not say. */
async function backendTo(
  cluster: string,
  { client }: MemberUnderTest,
  signal: AbortSignal,
): Promise<string | undefined> {
  const listed = await client.list<KubeObject>(PEERS, {}, { signal });
  const peers = listed.ok ? listed.value.items.map(parsePeer) : [];
  for (const peer of peers) {
    if (peer.ok && peer.value.spec.cluster === cluster) return peer.value.status?.backend;
  }
  return undefined;
}
