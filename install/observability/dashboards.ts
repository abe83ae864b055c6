/** Grafana dashboards, as data: what is asked, of which metric, in which unit. */
export interface Panel {
  readonly title: string;
  /** Grafana's word for it. */
  readonly unit: "s" | "reqps" | "short" | "percentunit" | "bytes" | "Bps";
  readonly queries: readonly Query[];
}

interface Query {
  readonly expr: string;
  readonly legend: string;
}

interface Dashboard {
  readonly title: string;
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[];
}

/** Half and all but one in a hundred. */
function quantiles(metric: string, by = "", where = ""): readonly Query[] {
  const labels = by === "" ? "le" : `le, ${by}`;
  const legend = by === "" ? "" : ` {{${by}}}`;
  return [0.5, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (${labels}) (rate(${metric}_bucket${where}[5m])))`,
    legend: `p${quantile * 100}${legend}`,
  }));
}

const rate = (metric: string, by: string): Query => ({
  expr: `sum by (${by}) (rate(${metric}[5m]))`,
  legend: `{{${by}}}`,
});
const most = (metric: string, by: string): Query => ({
  expr: `max by (${by}) (${metric})`,
  legend: by
    .split(", ")
    .map((label) => `{{${label}}}`)
    .join(" "),
});

const HUB: Dashboard = {
  title: "Isthmus hub",
  rows: [
    {
      title: "Members",
      panels: [
        {
          title: "Connected",
          unit: "short",
          queries: [{ expr: "sum(isthmus_broker_connected_members)", legend: "members" }],
        },
        {
          title: "Silent for",
          unit: "s",
          queries: [
            {
              expr: "min by (cluster) (isthmus_broker_member_silent_seconds)",
              legend: "{{cluster}}",
            },
          ],
        },
        {
          title: "Certificates end in",
          unit: "s",
          queries: [
            {
              expr: "max by (cluster) (isthmus_broker_member_certificate_expiry_timestamp_seconds) - time()",
              legend: "{{cluster}}",
            },
          ],
        },
        { title: "Rows", unit: "short", queries: [most("isthmus_broker_member_rows", "cluster")] },
      ],
    },
    {
      title: "Propagation through the hub",
      panels: [
        {
          title: "Accepted until stored",
          unit: "s",
          queries: quantiles("isthmus_broker_store_wait_seconds"),
        },
        {
          title: "Stored until sent to all",
          unit: "s",
          queries: quantiles("isthmus_broker_fanout_lag_seconds"),
        },
        {
          title: "Writes",
          unit: "reqps",
          queries: [rate("isthmus_broker_writes_total", "outcome")],
        },
        {
          title: "Refused writes",
          unit: "reqps",
          queries: [rate("isthmus_broker_member_refused_writes_total", "cluster")],
        },
      ],
    },
    {
      title: "Connections",
      panels: [
        {
          title: "Open",
          unit: "short",
          queries: [{ expr: "sum(isthmus_broker_open_connections)", legend: "connections" }],
        },
        {
          title: "Cut",
          unit: "reqps",
          queries: [rate("isthmus_broker_cut_connections_total", "reason")],
        },
        {
          title: "Closed streams",
          unit: "reqps",
          queries: [rate("isthmus_broker_closed_streams_total", "reason")],
        },
      ],
    },
  ],
};

const MEMBER: Dashboard = {
  title: "Isthmus member",
  rows: [
    {
      title: "Propagation in this cluster",
      panels: [
        {
          title: "Since a change was sent, by hop",
          unit: "s",
          queries: quantiles("isthmus_controllers_propagation_seconds", "hop"),
        },
        {
          title: "A key's work, by queue",
          unit: "s",
          queries: quantiles("isthmus_queue_job_seconds", "queue"),
        },
        {
          title: "Keys that wait",
          unit: "short",
          queries: [most("isthmus_queue_keys_count", "queue, state")],
        },
        {
          title: "Change seen until in the DNS zone",
          unit: "s",
          queries: quantiles("isthmus_dns_zone_rebuild_seconds"),
        },
      ],
    },
    {
      title: "Peers and paths",
      panels: [
        { title: "Peers", unit: "short", queries: [most("isthmus_controllers_peers", "liveness")] },
        {
          title: "Path in use",
          unit: "short",
          queries: [most("isthmus_connectivity_path_chosen", "peer, backend")],
        },
        {
          title: "Round trip",
          unit: "s",
          queries: [most("isthmus_connectivity_path_rtt_seconds", "peer, backend")],
        },
        {
          title: "Loss",
          unit: "percentunit",
          queries: [most("isthmus_connectivity_path_loss_ratio", "peer, backend")],
        },
      ],
    },
    {
      title: "DNS",
      panels: [
        { title: "Queries", unit: "reqps", queries: [rate("isthmus_dns_queries_total", "code")] },
        {
          title: "Time to answer",
          unit: "s",
          queries: quantiles("isthmus_dns_query_seconds"),
        },
        { title: "Dropped", unit: "reqps", queries: [rate("isthmus_dns_dropped_total", "reason")] },
        {
          title: "Services and names",
          unit: "short",
          queries: [
            { expr: "max(isthmus_dns_zone_services)", legend: "services" },
            { expr: "max(isthmus_dns_zone_names)", legend: "names" },
          ],
        },
      ],
    },
    {
      title: "Gateways and proxies",
      panels: [
        {
          title: "Packets refused by gateways",
          unit: "reqps",
          queries: [rate("isthmus_gateway_denied_packets_total", "direction")],
        },
        {
          title: "Passes over the data path that failed",
          unit: "reqps",
          queries: [
            rate("isthmus_gateway_apply_failures_total", "pod"),
            rate("isthmus_node_agent_apply_failures_total", "pod"),
          ],
        },
        { title: "Tunnels", unit: "short", queries: [most("isthmus_proxy_tunnels_count", "peer")] },
        {
          title: "Connections through proxies",
          unit: "reqps",
          queries: [rate("isthmus_proxy_streams_total", "outcome")],
        },
      ],
    },
    {
      title: "Certificate and API server",
      panels: [
        {
          title: "Requests to the API server",
          unit: "s",
          queries: quantiles("isthmus_kube_request_seconds", "verb", '{verb!="watch"}'),
        },
        {
          title: "Ends in",
          unit: "s",
          queries: [
            {
              expr: "min by (pod) (isthmus_member_certificate_expiry_timestamp_seconds) - time()",
              legend: "{{pod}}",
            },
          ],
        },
        {
          title: "Renewals",
          unit: "reqps",
          queries: [rate("isthmus_member_certificate_renewals_total", "outcome")],
        },
      ],
    },
  ],
};

export const DASHBOARDS = { hub: HUB, member: MEMBER } as const;
