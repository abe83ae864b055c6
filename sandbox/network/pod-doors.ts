import { createServer, type Server, type Socket } from "node:net";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { PodRuntime, PodTask, RunningPodServers } from "../node/pod-server/pod-runtime.ts";
import { connectTcp, listenTcp } from "./loopback.ts";
import type { PodDirectory } from "./pod-directory.ts";
import { relay } from "./relay.ts";

const LOOPBACK = "127.0.0.1";
const IDLE_MS = 600_000;
/** Everything that a real socket may be asked for: who has a host of its own has every port there. */
const EVERY_PORT: ReadonlyMap<number, number> = new (class extends Map<number, number> {
  override get(port: number): number {
    return port;
  }
})();

/**
 * Pods of a userland network at addresses of this machine, so that a program which is a process of its own can be one of them
 * and dial the others: `10.1.0.7` is at `127.40.3.7`, for the prefixes `10.1.0.` and `127.40.3.`.
 */
export interface Doors {
  readonly pods: string;
  readonly machine: string;
}

export function parseDoors(text: string): Result<Doors, string> {
  const [pods = "", machine = "", ...more] = text.split("=");
  const isPrefix = (prefix: string): boolean => /^(\d{1,3}\.){3}$/.test(prefix);
  return more.length === 0 && isPrefix(pods) && isPrefix(machine) && machine.startsWith("127.")
    ? ok({ pods, machine })
    : err(`doors must be <three octets>.=127.<two octets>.: got ${JSON.stringify(text)}`);
}

/** Undefined: it has none. */
export function doorOf(ip: string, { pods, machine }: Doors): string | undefined {
  return ip.startsWith(pods) ? `${machine}${ip.slice(pods.length)}` : undefined;
}

/** Leads this member's clients to a process of its own at one of its addresses. */
export function admitOutside(ip: string, doors: Doors, directory: PodDirectory): void {
  const host = doorOf(ip, doors);
  if (host !== undefined) directory.register(ip, { host, tcp: EVERY_PORT, udp: new Map() });
}

/** Runs pods as another runtime does, and opens a door to each of their TCP ports. */
export class PodDoors implements PodRuntime {
  readonly #runtime: PodRuntime;
  readonly #directory: PodDirectory;
  readonly #doors: Doors;
  readonly #clock: Clock;

  constructor(
    runtime: PodRuntime,
    { directory, doors, clock }: { directory: PodDirectory; doors: Doors; clock: Clock },
  ) {
    this.#runtime = runtime;
    this.#directory = directory;
    this.#doors = doors;
    this.#clock = clock;
  }

  async run(task: PodTask): Promise<Result<RunningPodServers, string>> {
    const running = await this.#runtime.run(task);
    if (!running.ok) return running;
    const servers: Server[] = [];
    const stop = async (): Promise<void> => {
      for (const server of servers) server.close();
      await running.value.stop();
    };
    for (const ip of task.ips) {
      for (const { protocol, port } of task.ports) {
        const host = doorOf(ip, this.#doors);
        if (protocol !== "TCP" || host === undefined) continue;
        const server = this.#open(ip, port);
        servers.push(server);
        const listening = await listenTcp(server, { host, port });
        if (listening.ok) continue;
        await stop();
        return err(listening.error);
      }
    }
    return ok({ stop });
  }

  #open(ip: string, port: number): Server {
    return createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
      client.on("error", () => undefined);
      void this.#enter(client, this.#directory.lookup(ip)?.tcp.get(port));
    });
  }

  async #enter(client: Socket, inside: number | undefined): Promise<void> {
    const { signal } = new AbortController();
    const pod =
      inside === undefined ? undefined : await connectTcp({ host: LOOPBACK, port: inside }, signal);
    if (pod?.ok !== true) client.resetAndDestroy();
    else if (client.destroyed) pod.value.destroy();
    else relay(client, pod.value, { idleTimeoutMs: IDLE_MS }, this.#clock);
  }
}
