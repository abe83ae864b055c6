import type { Endpoint, EndpointPort, EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { Namespace } from "../../api/kube/namespace.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import type { ImportPort, ServiceImport } from "../../api/mcs/service-import.ts";

// Builders for tests: each sets only what a test is about.

export function aNamespace(name: string): Namespace {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

export interface ImportDraft {
  readonly key?: string;
  readonly ips?: readonly string[];
  readonly ports?: readonly ImportPort[];
  readonly isHeadless?: boolean;
}

/** `web` in `shop`, a ClusterSetIP service without address and ports, unless said otherwise. */
export function anImport(draft: ImportDraft = {}): ServiceImport {
  const [namespace = "", name = ""] = (draft.key ?? "shop/web").split("/");
  return {
    apiVersion: "multicluster.x-k8s.io/v1beta1",
    kind: "ServiceImport",
    metadata: { namespace, name },
    spec: {
      type: draft.isHeadless === true ? "Headless" : "ClusterSetIP",
      ports: draft.ports ?? [],
      ...(draft.ips === undefined ? {} : { ips: draft.ips }),
    },
  };
}

export function port(
  name: string,
  number: number,
  protocol: ImportPort["protocol"] = "TCP",
): ImportPort {
  return { name, port: number, protocol };
}

export interface SliceDraft {
  readonly key?: string;
  readonly cluster?: string;
  readonly name?: string;
  /** "10.0.0.1", "10.0.0.1=db-0" with a hostname, "!10.0.0.1" not ready. */
  readonly endpoints: readonly string[];
  readonly ports?: readonly EndpointPort[];
}

/** An MCS slice of `shop/web` from cluster `east`, unless said otherwise. */
export function aSlice(draft: SliceDraft): EndpointSlice {
  const [namespace = "", service = ""] = (draft.key ?? "shop/web").split("/");
  const cluster = draft.cluster ?? "east";
  const isIpv6 = draft.endpoints.some((text) => text.includes(":"));
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      namespace,
      name: draft.name ?? `${service}-${cluster}-${isIpv6 ? "v6" : "v4"}`,
      labels: { [LABEL_SERVICE_NAME]: service, [LABEL_SOURCE_CLUSTER]: cluster },
    },
    addressType: isIpv6 ? "IPv6" : "IPv4",
    endpoints: draft.endpoints.map(toEndpoint),
    ports: draft.ports ?? [],
  };
}

function toEndpoint(text: string): Endpoint {
  const [address = "", hostname] = text.replace("!", "").split("=");
  return {
    addresses: [address],
    conditions: { ready: !text.startsWith("!") },
    ...(hostname === undefined ? {} : { hostname }),
  };
}
