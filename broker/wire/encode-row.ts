import { Row as RowMessage } from "../../api/broker/broker.gen.ts";
import { type NetworkRow, NO_NAMESPACE, type Row } from "../../api/broker/row.ts";

/** The message of a row. Canonical: equal rows give equal bytes, whatever order their maps were filled in. */
export function encodeRow(row: Row): RowMessage {
  if (row.kind === "network") return encodeNetworkRow(row);
  const { namespace, name } = row;
  const audience = row.audience === undefined ? undefined : { clusters: row.audience.toSorted() };
  if (row.kind === "export") {
    const { labels, annotations } = row;
    const value = { ...row, labels: sorted(labels), annotations: sorted(annotations) };
    return { namespace, name, content: { $case: "export", value }, audience };
  }
  return { namespace, name, content: { $case: "endpoints", value: row }, audience };
}

export function encodeRowBytes(row: Row): Uint8Array {
  return RowMessage.encode(encodeRow(row)).finish();
}

function encodeNetworkRow(row: NetworkRow): RowMessage {
  const proxies = row.proxies.map(({ endpoint }) => endpoint);
  const content = { $case: "network", value: { ...row, proxies } } as const;
  return { namespace: NO_NAMESPACE, name: "", content, audience: undefined };
}

function sorted(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
