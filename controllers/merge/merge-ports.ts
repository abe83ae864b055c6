import type { ExportRow, RowPort } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";

export interface MergedPorts {
  /** Union of all exports' ports: no two share a name, no two share (protocol, port) (CON-16). */
  readonly ports: readonly RowPort[];
  /** Ports that a younger export added to the oldest one's. */
  readonly added: readonly { readonly port: RowPort; readonly from: ClusterId }[];
  /** Any difference between the exports' port sets, a clean extension included (CON-20). */
  readonly conflict: boolean;
}

/**
 * One pass in precedence order, by name first, then by (protocol, port) (CON-17, CON-18).
 * @param exports in precedence order.
 */
export function mergePorts(exports: readonly ExportRow[]): MergedPorts {
  const ports: RowPort[] = [];
  const added: { port: RowPort; from: ClusterId }[] = [];
  for (const row of exports) {
    for (const port of row.ports) {
      if (ports.some((a) => a.name === port.name || sameNumber(a, port))) continue;
      ports.push(port);
      if (row !== exports[0]) added.push({ port, from: row.cluster });
    }
  }
  return { ports, added, conflict: exports.some((row) => !samePortSet(row.ports, ports)) };
}

/** Equal as sets of (name, protocol, port, appProtocol): order does not matter (CON-08). */
export function samePortSet(a: readonly RowPort[], b: readonly RowPort[]): boolean {
  const keys = new Set(a.map(portIdentity));
  return (
    keys.size === new Set(b.map(portIdentity)).size && b.every((p) => keys.has(portIdentity(p)))
  );
}

export function sameNumber(a: RowPort, b: RowPort): boolean {
  return a.protocol === b.protocol && a.port === b.port;
}

function portIdentity(port: RowPort): string {
  return `${port.name}|${port.protocol}|${port.port}|${port.appProtocol ?? ""}`;
}
