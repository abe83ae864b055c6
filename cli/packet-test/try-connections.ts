import { type EndpointSlice, readyEndpoints } from "../../api/kube/endpoint-slice.ts";
import { LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import type { ConnectionFact } from "./connection-fact.ts";
import { type Dialling, type DirectEntry, dial } from "./dial.ts";

type Target = Omit<ConnectionFact, "failure">;

const TIMEOUT_MS = 2_000;
const PORTS_MAX = 4;
const CLUSTERS_MAX = 8;

/** The clusterset IP's TCP ports, and those of one ready endpoint of each cluster. Pure. */
export function connectionTargets(
  serviceImport: ServiceImport | undefined,
  slices: readonly EndpointSlice[],
): readonly Target[] {
  if (serviceImport === undefined) return [];
  const { ips = [], ports } = serviceImport.spec;
  const tcp = ports.filter(({ protocol }) => protocol === "TCP").slice(0, PORTS_MAX);
  const targets: Target[] = ips.flatMap((address) =>
    tcp.map(({ port }) => ({ cluster: undefined, address, port })),
  );
  const seen = new Set<string>();
  for (const slice of slices) {
    const cluster = slice.metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? "?";
    const address = readyEndpoints(slice)[0]?.addresses[0];
    const of = `${cluster} ${slice.addressType}`;
    if (address === undefined || seen.has(of) || seen.size === CLUSTERS_MAX) continue;
    seen.add(of);
    for (const { port, protocol = "TCP" } of (slice.ports ?? []).slice(0, PORTS_MAX)) {
      if (port !== undefined && protocol === "TCP") targets.push({ cluster, address, port });
    }
  }
  return targets;
}

/** Opens each and closes it at once: nothing is sent. */
export function tryConnections(
  targets: readonly Target[],
  entry: DirectEntry,
  deps: Omit<Dialling, "timeoutMs">,
): Promise<readonly ConnectionFact[]> {
  return Promise.all(
    targets.map(async (target) => {
      const to = { host: target.address, port: target.port };
      const dialled = await dial(entry, to, { ...deps, timeoutMs: TIMEOUT_MS });
      if (!dialled.ok) return { ...target, failure: dialled.error };
      dialled.value.destroy();
      return { ...target, failure: undefined };
    }),
  );
}
