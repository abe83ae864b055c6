import type { KubeObject } from "../../../api/kube/object.ts";
import { SERVICES } from "../../../api/kube/service.ts";
import { must } from "../../../api/result.ts";
import { systemClock as clock } from "../../../runtime/clock/system-clock.ts";
import { until } from "../../../sandbox/process/until.ts";
import type { TwoClusters } from "./two-clusters.ts";

type Balanced = KubeObject & {
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[];
    };
  };
};

/** `host:port` at which members reach the hub, as somebody finds it out who installs with helm. */
export async function hubAddress(
  { east, hub, patienceMs }: TwoClusters,
  namespace: string,
  signal: AbortSignal,
): Promise<string> {
  if (hub.address !== undefined) return hub.address;
  const target = { resource: SERVICES, namespace, name: "isthmus-broker" };
  const look = async (): Promise<string | undefined> => {
    const { status } = must(await east.kube.get<Balanced>(target, { signal }));
    const [first] = status?.loadBalancer?.ingress ?? [];
    const host = first?.hostname ?? first?.ip;
    return host === undefined ? undefined : `${host.includes(":") ? `[${host}]` : host}:8443`;
  };
  const waiting = { clock, timeoutMs: patienceMs, signal, everyMs: 1_000 };
  return until("the load balancer of isthmus-broker (or name --node-port)", look, waiting);
}
