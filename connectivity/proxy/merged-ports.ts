import { type MergedPort, slicePortName } from "../../api/mcs/slice-port-name.ts";
import type { StreamProtocol } from "./frame/open-header.ts";

/**
 * Members may merge different exports (`isthmus.dev/export-to`), and name one port differently then; its number is the same
 * everywhere (CON-24). The importing side turns the name in its slices into the number, the exporting side the number
 * into the name in its own.
 */

/** 0: there is no such port. */
export function portNumberOf(
  ports: readonly MergedPort[],
  name: string,
  protocol: StreamProtocol,
): number {
  const found = ports.find(
    (port) => port.protocol.toLowerCase() === protocol && slicePortName(port, ports) === name,
  );
  return found?.port ?? 0;
}

/** Undefined: there is no such port. */
export function portNameOf(
  ports: readonly MergedPort[],
  number: number,
  protocol: StreamProtocol,
): string | undefined {
  const found = ports.find(
    (port) => port.protocol.toLowerCase() === protocol && port.port === number,
  );
  return found === undefined ? undefined : slicePortName(found, ports);
}
