import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import { openReplicatedStore } from "../../../broker/store/replicated/open-replicated-store.ts";
import type { ReplicatedStore } from "../../../broker/store/replicated/replicated-store.ts";
import { KubeSpace } from "../../../broker/store/space/kubernetes/kube-space.ts";
import {
  recordObjects,
  type SpaceObjectKind,
} from "../../../broker/store/space/kubernetes/space-object.ts";
import { hubCrds } from "../../../cli/install-crds.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { HttpKubeClient } from "../../../runtime/kube/client/http-kube-client.ts";
import { KubeConfigAccess } from "../../../runtime/kube/client/kube-config-access.ts";
import { loadKubeConfig } from "../../../runtime/kube/client/load-kube-config.ts";
import { ensureCrds } from "../../../runtime/kube/crds/ensure-crds.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../../runtime/random/system-random.ts";
import { kubeconfigText } from "../../../sandbox/apiserver/auth/kubeconfig.ts";
import { CorePump } from "../../../sandbox/apiserver/core/core-pump.ts";
import { type ApiServer, createApiServer } from "../../../sandbox/apiserver/create-api-server.ts";
import { InMemoryKubeClient } from "../../../sandbox/apiserver/in-memory-kube-client.ts";
import { freePorts } from "../../../sandbox/process/free-ports.ts";
import { unwrap } from "../broker-world.ts";

const NAMESPACES: Resource = {
  group: "",
  version: "v1",
  plural: "namespaces",
  kind: "Namespace",
  namespaced: false,
};
const deps = { clock: systemClock, random: systemRandom, log: silentLogger };
const { signal } = new AbortController();

/** The hub's API server, the embedded one, with the hub's CRDs. */
export class KubeHub implements AsyncDisposable {
  readonly folder: string;
  readonly kubeconfig: string;
  readonly #server: ApiServer;
  readonly #clients: HttpKubeClient[] = [];
  #places = 0;

  private constructor(folder: string, server: ApiServer) {
    this.folder = folder;
    this.kubeconfig = join(folder, "kubeconfig");
    this.#server = server;
  }

  static async start(): Promise<KubeHub> {
    const [port = 0] = await freePorts(1, systemRandom);
    const listen = { host: "127.0.0.1", port };
    const options = { serviceCidrs: ["10.101.0.0/16"], historyLimit: 2000, listen };
    const server = unwrap(await createApiServer(options, deps));
    const folder = await mkdtemp(join(tmpdir(), "isthmus-hub-"));
    const hub = new KubeHub(folder, server);
    await server.start();
    await writeFile(hub.kubeconfig, kubeconfigText([server.kubeconfigEntry("hub")]));
    unwrap(await ensureCrds(hubCrds(), { client: hub.client(), clock: systemClock }, signal));
    return hub;
  }

  /** Over HTTPS. */
  client(): KubeClient {
    const target = unwrap(loadKubeConfig({ kubeconfig: this.kubeconfig, env: {} }));
    const access = new KubeConfigAccess(target, { clock: systemClock });
    const client = new HttpKubeClient(
      {},
      { access, clock: systemClock, random: systemRandom, meter: silentMeter },
    );
    this.#clients.push(client);
    return client;
  }

  /** Without sockets. */
  memoryClient(): KubeClient {
    const { core } = this.#server;
    const pump = new CorePump({ settleDelayMs: 5 }, { core, clock: systemClock });
    return new InMemoryKubeClient({}, { core, pump, clock: systemClock });
  }

  /** A namespace of its own. */
  async newNamespace(): Promise<string> {
    const name = `place-${++this.#places}`;
    const namespace: KubeObject = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    unwrap(await this.client().create(NAMESPACES, namespace, { signal }));
    return name;
  }

  space(namespace: string, client: KubeClient, kind: SpaceObjectKind = recordObjects): KubeSpace {
    return new KubeSpace({ namespace, space: "test", kind }, { ...deps, client });
  }

  async openStore(namespace: string, client = this.client()): Promise<ReplicatedStore> {
    const space = this.space(namespace, client);
    return unwrap(await openReplicatedStore({}, { ...deps, space }, signal));
  }

  /** Ends every connection; what is stored stays. */
  stop(): Promise<void> {
    return this.#server.stop();
  }

  async resume(): Promise<void> {
    await this.#server.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.#server.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
