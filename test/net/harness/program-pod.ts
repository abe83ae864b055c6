import { join } from "node:path";
import { SERVICES, type Service } from "../../../api/kube/service.ts";
import { PODS, type Pod } from "../../../sandbox/node/kinds/pod.ts";
import {
  type RealServer,
  startIperf,
  startPostgres,
  startRedis,
  startServer,
  startUnbound,
} from "../../programs/debian-servers.ts";
import { inNamespace, type Place } from "../../programs/place.ts";
import { NetService } from "./net-service.ts";
import type { NetWorld } from "./net-world.ts";

/** The command line of `test/programs/main.ts`. */
export const NODE_PROGRAMS = [
  process.execPath,
  join(import.meta.dirname, "../../programs/main.ts"),
] as const;

/** Ports of the Service and of the pod alike; those of `test/programs`. */
export const PROGRAM_PORTS = {
  http: 8001,
  http2: 8002,
  grpc: 8003,
  websocket: 8004,
  sql: 5432,
  redis: 6379,
  dns: 53,
  iperf: 5201,
} as const;

const DATAGRAMS = ["dns", "iperf"] as const;
/** The sandbox's own server in that pod: no port of the Service. */
const UNUSED = 9999;

/** A pod of one cluster in which the servers of `test/programs` run, behind an exported Service. */
export class ProgramPod implements AsyncDisposable {
  readonly service: NetService;
  readonly #servers: readonly RealServer[];

  private constructor(service: NetService, servers: readonly RealServer[]) {
    this.service = service;
    this.#servers = servers;
  }

  static async start(world: NetWorld, cluster: string, namespace: string): Promise<ProgramPod> {
    const name = "programs";
    const [node] = world.cluster(cluster).plan.nodes;
    if (node === undefined) throw new Error(`${cluster}: no node`);
    const metadata = { namespace, name };
    const tcp = Object.entries(PROGRAM_PORTS).map(([port, number]) => ({
      name: port,
      port: number,
    }));
    const udp = DATAGRAMS.map((port) => ({
      name: `${port}-udp`,
      port: PROGRAM_PORTS[port],
      protocol: "UDP",
    }));
    await world.create(cluster, SERVICES, {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { selector: { app: name }, ports: [...tcp, ...udp] },
    } as Service);
    await world.create(cluster, PODS, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...metadata, labels: { app: name } },
      spec: {
        nodeName: node.name,
        containers: [{ name: "echo", image: "sandbox/echo", ports: [{ containerPort: UNUSED }] }],
      },
    } as Pod);
    await world.until(`${cluster}: the pod of ${name} to run`, async () => {
      const pod = await world.find<Pod>(cluster, PODS, namespace, name);
      return pod?.status?.phase === "Running" ? true : undefined;
    });
    const servers = await startServers(inNamespace(`${cluster}-${namespace}-${name}`));
    const service = new NetService(world, namespace, name);
    await service.export(cluster);
    return new ProgramPod(service, servers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
  }
}

function startServers(place: Place): Promise<readonly RealServer[]> {
  return Promise.all([
    startServer(place, PROGRAM_PORTS.websocket, () => [
      ...[...NODE_PROGRAMS, "serve", place.listenOn],
    ]),
    startPostgres(place),
    startRedis(place),
    startUnbound(place),
    startIperf(place),
  ]);
}
