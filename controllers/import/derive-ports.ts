import type { EndpointsRow, ExportRow, RowPort } from "../../api/broker/row.ts";
import type { ImportPort } from "../../api/mcs/service-import.ts";
import { sameNumber } from "../merge/merge-ports.ts";

/** The import's ports: no target port, protocol always written, appProtocol as it came (IMP-10 to IMP-12). */
export function importPorts(ports: readonly RowPort[]): readonly ImportPort[] {
  return ports.map((port) => ({
    ...(port.name === "" ? {} : { name: port.name }),
    protocol: port.protocol,
    ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    port: port.port,
  }));
}

/**
 * Name of a merged port where Kubernetes joins ports by name: the derived Service and its slices.
 * A core Service with several ports needs all of them named, a merged one may hold an unnamed port (CON-22).
 */
export function joinName(port: RowPort, all: readonly RowPort[]): string {
  if (port.name !== "" || all.length === 1) return port.name;
  const generated = `p-${port.port}-${port.protocol.toLowerCase()}`;
  return all.some((other) => other.name === generated) ? `${generated}-unnamed` : generated;
}

/**
 * Ports of one exporter's slice as importers must see them: for each merged port the target port behind the
 * same (protocol, number) of that exporter's own Service, under the merged name; nothing otherwise (CON-24).
 * So traffic for a port reaches only clusters whose Service really has it (CON-23).
 */
export function slicePorts(
  merged: readonly RowPort[],
  exporter: ExportRow,
  slice: EndpointsRow,
): readonly RowPort[] {
  return merged.flatMap((port) => {
    const own = exporter.ports.find((candidate) => sameNumber(candidate, port));
    if (own === undefined) return [];
    const target = slice.ports.find((p) => p.name === own.name && p.protocol === own.protocol);
    if (target === undefined) return [];
    return [
      {
        name: joinName(port, merged),
        protocol: port.protocol,
        port: target.port,
        ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
      },
    ];
  });
}
