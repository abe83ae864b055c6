import type { Socket } from "node:net";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { AddressSockets } from "../../network/pod-directory.ts";
import type { PodIdentity } from "./pod-identity.ts";
import type { PodPort } from "./pod-runtime.ts";
import { TcpPort } from "./tcp-port.ts";
import { UdpPort } from "./udp-port.ts";

interface Stoppable {
  stop(): Promise<void>;
}

/** The running servers of one pod. */
export class PodServers {
  readonly sockets: AddressSockets;
  readonly #servers: readonly Stoppable[];

  /** Starts a server for each port, or none and says why. */
  static async start(
    identity: PodIdentity,
    ports: readonly PodPort[],
    clock: Clock,
  ): Promise<Result<PodServers, string>> {
    /** BOUNDED: by the pod's connections; the network takes each back when it closes. */
    const clients = new Map<string, string>();
    const clientIpOf = ({ remotePort }: Socket): string | undefined =>
      clients.get(`tcp ${remotePort}`);
    const maps = { tcp: new Map<number, number>(), udp: new Map<number, number>() };
    const servers: (TcpPort | UdpPort)[] = [];
    for (const { protocol, port } of ports) {
      const isTcp = protocol === "TCP";
      const server = isTcp
        ? new TcpPort(identity, port, { clock, clientIpOf })
        : new UdpPort(identity);
      servers.push(server);
      const started = await server.start();
      if (!started.ok) {
        await stopAll(servers);
        return err(`cannot start ${protocol} port ${port}: ${started.error}`);
      }
      maps[isTcp ? "tcp" : "udp"].set(port, started.value);
    }
    const onClient: AddressSockets["onClient"] = (transport, port, clientIp) => {
      if (clientIp === undefined) clients.delete(`${transport} ${port}`);
      else clients.set(`${transport} ${port}`, clientIp);
    };
    return ok(new PodServers({ ...maps, onClient }, servers));
  }

  private constructor(sockets: AddressSockets, servers: readonly Stoppable[]) {
    this.sockets = sockets;
    this.#servers = servers;
  }

  stop(): Promise<void> {
    return stopAll(this.#servers);
  }
}

async function stopAll(servers: readonly Stoppable[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}
