import { ANNOTATION_EXPORT_TO } from "../../../api/mcs/labels.ts";

/** On a ServiceExport: `v2` puts the PROXY protocol's header in front of each TCP connection and each datagram that comes through a proxy. */
export const ANNOTATION_PROXY_PROTOCOL = "isthmus.dev/proxy-protocol";
/** On a ServiceExport: clients that proxies admit, `cluster` or `cluster/namespace` with commas between; `*` is any. Absent: all. */
export const ANNOTATION_ALLOW_CLIENTS = "isthmus.dev/allow-clients";

/** What a ServiceExport asks of the proxy. */
export interface ExportPolicy {
  readonly sendsProxyHeader: boolean;
  admits(cluster: string, namespace: string): boolean;
}

/**
 * Reads the annotations. What cannot be read admits nobody: a list with a mistake in it is not a list of all. The namespace of
 * a client is what its cluster says; a cluster that is not admitted gains nothing by it.
 */
export function exportPolicy(annotations: Readonly<Record<string, string>> = {}): ExportPolicy {
  const clusters = annotations[ANNOTATION_EXPORT_TO];
  const clients = annotations[ANNOTATION_ALLOW_CLIENTS];
  const audience = clusters === undefined ? undefined : new Set(itemsOf(clusters));
  const rules = clients === undefined ? undefined : itemsOf(clients).map((item) => item.split("/"));
  return {
    sendsProxyHeader: annotations[ANNOTATION_PROXY_PROTOCOL] === "v2",
    admits(cluster, namespace) {
      if (audience !== undefined && !audience.has(cluster)) return false;
      if (rules === undefined) return true;
      return rules.some(
        ([forCluster, forNamespace, ...rest]) =>
          rest.length === 0 &&
          (forCluster === "*" || forCluster === cluster) &&
          (forNamespace === undefined || forNamespace === "*" || forNamespace === namespace),
      );
    },
  };
}

function itemsOf(text: string): readonly string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
