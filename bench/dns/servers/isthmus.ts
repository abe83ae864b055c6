import { fileURLToPath } from "node:url";
import type { UdpEngine } from "../../../dns-server/transport/udp-engine.ts";
import type { MeasuredServer } from "./measured-server.ts";

const PROGRAM = fileURLToPath(new URL("../../../cli/isthmus.mjs", import.meta.url));

/** `isthmus dns` as it is run beside a cluster. */
export function isthmus(
  udpEngine: UdpEngine,
  name: string,
  more: readonly string[] = [],
): MeasuredServer {
  return {
    name,
    command: ({ port, kubeconfig }) => [
      process.execPath,
      PROGRAM,
      "dns",
      `--kubeconfig=${kubeconfig}`,
      `--listen=127.0.0.1:${port}`,
      "--health-listen=127.0.0.1:0",
      `--udp-engine=${udpEngine}`,
      "--log-level=warn",
      ...more,
    ],
  };
}
