import type { EndpointsRow, ExportRow, RowPort } from "../../api/broker/row.ts";
import type { ImportPort } from "../../api/mcs/service-import.ts";
import { slicePortName } from "../../api/mcs/slice-port-name.ts";
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
        name: slicePortName(port, merged),
        protocol: port.protocol,
        port: target.port,
        ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
      },
    ];
  });
}
