import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { apiVersionOf, type KubeObject, type Resource } from "../../api/kube/object.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { atRest } from "./at-rest.ts";
import type { Run } from "./measure-member.ts";
import {
  ask,
  countedBetween,
  machineMs,
  type RequestCounts,
  type ServerState,
  writesIn,
} from "./process-messages.ts";
import { namespaceAt } from "./workload.ts";

export interface OwnExports {
  /** From the creation of the first ServiceExport until the last one is Ready=True. */
  readonly ms: number;
  readonly writesPerExport: number;
  readonly requests: RequestCounts;
}

const AT_ONCE = 8;

/** Services of the member's own cluster, exported all at once (section 17, item 9). */
export async function measureOwnExports({
  apiServer,
  start,
  workload,
  options,
}: Run): Promise<OwnExports> {
  const { signal } = new AbortController();
  const kube = connectKube({ kubeconfig: start.kubeconfig }, {}, silentMeter);
  if (!kube.ok) throw new Error(kube.error);
  const { client } = kube.value;
  const names = Array.from({ length: options.exports }, (_, at) => ({
    namespace: namespaceAt(at % workload.namespaces),
    name: `own-${at}`,
  }));
  const createAll = async (resource: Resource, rest: (name: string) => object): Promise<void> => {
    const left = [...names];
    const work = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        const fields: { metadata?: object } = rest(next.name);
        const object = {
          ...fields,
          apiVersion: apiVersionOf(resource),
          kind: resource.kind,
          metadata: { ...fields.metadata, ...next },
        } satisfies KubeObject;
        const made = await client.create(resource, object, { signal });
        if (!made.ok) throw new Error(made.error.message);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  };
  await createAll(SERVICES, () => ({ spec: { ports: [{ name: "http", port: 80 }] } }));
  await createAll(ENDPOINT_SLICES, (name) => ({
    metadata: { labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: [{ addresses: ["10.99.0.1"], conditions: { ready: true } }],
  }));
  await atRest(apiServer, () => true);
  const before = await ask<ServerState>(apiServer, "state");
  const startMs = machineMs();
  await createAll(serviceExports(), () => ({}));
  const after = await atRest(apiServer, ({ readyExports }) => readyExports === options.exports);
  const requests = countedBetween(before.counts, after.counts);
  const writes = writesIn(requests) - options.exports;
  return {
    ms: after.lastWriteMs - startMs,
    writesPerExport: Number((writes / options.exports).toFixed(2)),
    requests,
  };
}
