import type { Pod } from "../kinds/pod.ts";
import type { PodPort } from "../pod-server/pod-runtime.ts";

/** A pod that names no port still serves. */
const DEFAULT_PORT: PodPort = { protocol: "TCP", port: 8080 };

/** What a pod listens on: its containers' TCP and UDP ports, each once. SCTP has no sockets here and is left out. */
export function podPortsOf(pod: Pod): readonly PodPort[] {
  const declared = pod.spec.containers.flatMap((container) => container.ports ?? []);
  if (declared.length === 0) return [DEFAULT_PORT];
  const ports = new Map<string, PodPort>();
  for (const { containerPort: port, protocol = "TCP" } of declared) {
    if (protocol !== "SCTP") ports.set(`${protocol} ${port}`, { protocol, port });
  }
  return [...ports.values()];
}
