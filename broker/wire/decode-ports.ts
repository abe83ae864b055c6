import type { Port } from "../../api/broker/broker.gen.ts";
import type { RowPort } from "../../api/broker/row.ts";
import type { Protocol } from "../../api/kube/service.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { parseOneOf, parsePortName, parseQualifiedName, quote } from "./kube-syntax.ts";
import { LIMITS } from "./limits.ts";

const PROTOCOLS: readonly Protocol[] = ["TCP", "UDP", "SCTP"];

/** Ports of a row: valid, and with names of their own. */
export function decodePorts(ports: readonly Port[]): Result<readonly RowPort[], string> {
  if (ports.length > LIMITS.portsPerRow) {
    return err(`ports must be at most ${LIMITS.portsPerRow}: got ${ports.length}`);
  }
  const names = new Set<string>();
  const decoded: RowPort[] = [];
  for (const port of ports) {
    const one = decodePort(port);
    if (!one.ok) return one;
    if (names.has(port.name)) {
      return err(`port names must be unique: got ${quote(port.name)} twice`);
    }
    names.add(port.name);
    decoded.push(one.value);
  }
  return ok(decoded);
}

function decodePort({ name, protocol, port, appProtocol }: Port): Result<RowPort, string> {
  const portName = parsePortName(name);
  if (!portName.ok) return portName;
  const portProtocol = parseOneOf("port protocol", PROTOCOLS, protocol);
  if (!portProtocol.ok) return portProtocol;
  if (port < 1 || port > 65_535) return err(`port must be 1 to 65535: got ${port}`);
  const base: RowPort = { name, protocol: portProtocol.value, port };
  if (appProtocol === undefined) return ok(base);
  const application = parseQualifiedName("appProtocol", appProtocol);
  return application.ok ? ok({ ...base, appProtocol }) : application;
}
