import { parse } from "yaml";
import type { KubeObject } from "../../api/kube/object.ts";
import { labelsOf } from "../pieces/piece-words.ts";

/** Texts of `api/observability`, of one part. */
export interface WatchTexts {
  /** A rule file of Prometheus. */
  readonly alerts: string;
  /** As Grafana imports it. */
  readonly dashboard: string;
}

interface Watching {
  readonly namespace: string;
  readonly monitors: boolean;
  readonly alerts: boolean;
  readonly dashboards: boolean;
}

const OPERATOR = "monitoring.coreos.com/v1";

/**
 * What tells a Prometheus (by its operator's objects) and a Grafana (by the label that its sidecar looks for) of a part.
 * @param processes names of what is scraped
 */
export function watchObjects(
  part: "hub" | "member",
  { namespace, ...wants }: Watching,
  processes: readonly string[],
  texts: WatchTexts,
): readonly KubeObject[] {
  const name = `isthmus-${part}`;
  const metadata = { namespace, name, labels: labelsOf(name) };
  const monitor = {
    apiVersion: OPERATOR,
    kind: "PodMonitor",
    metadata,
    spec: {
      selector: {
        matchExpressions: [
          { key: "app.kubernetes.io/name", operator: "In", values: [...processes] },
        ],
      },
      podMetricsEndpoints: [{ port: "health", path: "/metrics" }],
    },
  };
  const rules = {
    apiVersion: OPERATOR,
    kind: "PrometheusRule",
    metadata,
    spec: parse(texts.alerts) as object,
  };
  const dashboard = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      namespace,
      name: `${name}-dashboard`,
      // The dashboards' own sidecar, in every chart of Grafana.
      labels: { ...labelsOf(name), grafana_dashboard: "1" },
    },
    data: { [`${name}.json`]: texts.dashboard },
  };
  return [
    ...(wants.monitors ? [monitor] : []),
    ...(wants.alerts ? [rules] : []),
    ...(wants.dashboards ? [dashboard] : []),
  ];
}
