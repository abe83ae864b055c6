import { expect } from "vitest";
import type { Pod } from "../../../sandbox/node/kinds/pod.ts";
import { callsIn, unlawful } from "../../permissions/calls.ts";
import { podsOf, type TwoClusters } from "./two-clusters.ts";

/** Processes that have a network of their own, the port of their metrics, and the role that they have. */
const PROCESSES = [
  ["isthmus-broker", 8082, "hub/10-broker.yaml", "isthmus:broker"],
  ["isthmus-controllers", 8080, "30-controllers-role.yaml", "isthmus:controllers"],
  ["isthmus-dns", 8081, "31-dns-role.yaml", "isthmus:dns"],
] as const;

/**
 * That every process of every pod did its job with its own service account (SEC-08): it asked for something, for nothing that its role
 * does not grant, and the API server refused nothing. @returns what each asked for, by the name of its role
 */
export async function expectOwnRights(
  { east, west }: TwoClusters,
  namespace: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const did = new Map<string, ReadonlySet<string>>();
  for (const [name, port, file, role] of PROCESSES) {
    const texts = await Promise.all(
      [east, west].map(async (cluster) => {
        const pods = (await podsOf(cluster, { namespace, name }, signal)).filter(isReady);
        return Promise.all(pods.map((pod) => cluster.metricsOf(pod, port)));
      }),
    );
    const calls = new Set(texts.flat().flatMap((text) => [...callsIn(text)]));
    expect([...calls], name).not.toEqual([]);
    expect(unlawful(file, role, calls), name).toEqual([]);
    expect(texts.flat().flatMap(refusedIn), name).toEqual([]);
    did.set(role, calls);
  }
  return did;
}

/** Others say nothing yet, or no more. */
function isReady({ status }: Pod): boolean {
  return status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true;
}

function refusedIn(metrics: string): readonly string[] {
  return metrics
    .split("\n")
    .filter((line) => /^isthmus_kube_request_seconds_count\{.*outcome="forbidden"/.test(line));
}
