import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EtcdCluster } from "../../test/system/etcd/etcd-cluster.ts";
import { KubeHub } from "../../test/system/kube-hub/kube-hub.ts";
import { Clusterset } from "./clusterset.ts";
import { type Figures, seconds } from "./measure-grpc.ts";
import type { BenchPlace } from "./process-messages.ts";
import { percentiles, type Workload } from "./workload.ts";

export type SharedStore = "etcd" | "kubernetes";

interface Engine extends AsyncDisposable {
  readonly place: BenchPlace;
}

async function startEngine(store: SharedStore): Promise<Engine> {
  if (store === "etcd") {
    const etcd = await EtcdCluster.start({ members: 1 });
    const { endpoints } = etcd.access();
    return {
      place: { kind: "etcd", endpoints },
      [Symbol.asyncDispose]: () => etcd[Symbol.asyncDispose](),
    };
  }
  const hub = await KubeHub.start();
  const namespace = await hub.newNamespace();
  return {
    place: { kind: "kubernetes", kubeconfig: hub.kubeconfig, namespace },
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
  };
}

/** Two brokers over one store, and every member at the first: it dies, and all of them come to the second at once. */
export async function measureReplicas(workload: Workload, store: SharedStore): Promise<Figures> {
  await using engine = await startEngine(store);
  const dataDir = mkdtempSync(join(tmpdir(), "isthmus-bench-"));
  const clusterset = new Clusterset(workload, dataDir, engine.place);
  try {
    await clusterset.begin(true);
    return await measure(clusterset);
  } finally {
    clusterset.end();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function measure(clusterset: Clusterset): Promise<Figures> {
  const fill = await clusterset.cost(() => clusterset.all({ kind: "restart", isWanting: false }));
  const cold = await clusterset.cost(() => clusterset.all({ kind: "restart", isWanting: true }));
  await clusterset.all({ kind: "watch" });
  await clusterset.loseReplica();
  const storm = await clusterset.cost(() => clusterset.all({ kind: "settle" }));
  const { rows, residentMiB } = await clusterset.usage();
  const vanished = storm.result.reduce((sum, answer) => sum + answer.vanished, 0);
  if (vanished > 0) throw new Error(`nothing must be withdrawn: ${vanished} services vanished`);
  const moves = percentiles(storm.result.flatMap(({ syncMs }) => syncMs));
  return {
    rows,
    fillS: seconds(fill.ms),
    firstSyncS: seconds(cold.ms),
    stormS: seconds(storm.ms),
    stormMemberP50S: seconds(moves.p50Ms),
    stormMemberP99S: seconds(moves.p99Ms),
    stormCpuS: seconds(storm.cpuMs),
    stormMiB: ((storm.sentBytes + storm.receivedBytes) / 2 ** 20).toFixed(1),
    vanished,
    residentMiB,
  };
}
