import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import { must } from "../../../api/result.ts";
import { openReplicatedStore } from "../../../broker/store/replicated/open-replicated-store.ts";
import type { ReplicatedStore } from "../../../broker/store/replicated/replicated-store.ts";
import { KubeSpace } from "../../../broker/store/space/kubernetes/kube-space.ts";
import {
  recordObjects,
  type SpaceObjectKind,
} from "../../../broker/store/space/kubernetes/space-object.ts";
import { hubCrds } from "../../../cli/cluster/install-crds.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { HttpKubeClient } from "../../../runtime/kube/client/http-kube-client.ts";
import { KubeConfigAccess } from "../../../runtime/kube/client/kube-config-access.ts";
import { loadKubeConfig } from "../../../runtime/kube/client/load-kube-config.ts";
import { ensureCrds } from "../../../runtime/kube/crds/ensure-crds.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import type { Meter } from "../../../runtime/metrics/meter.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../../runtime/random/system-random.ts";
import { EmbeddedServer } from "./embedded-server.ts";
import { ExistingServer } from "./existing-server.ts";
import type { HubServer } from "./hub-server.ts";

const NAMESPACES: Resource = {
  group: "",
  version: "v1",
  plural: "namespaces",
  kind: "Namespace",
  namespaced: false,
};
const deps = { clock: systemClock, random: systemRandom, log: silentLogger };
const { signal } = new AbortController();

/** The hub's API server with the hub's CRDs: the embedded one, or the one that ISTHMUS_HUB_KUBECONFIG names. */
export class KubeHub implements AsyncDisposable {
  readonly folder: string;
  readonly #server: HubServer;
  readonly #clients: HttpKubeClient[] = [];
  /** Made here, and removed at the end. */
  readonly #namespaces: string[] = [];

  private constructor(folder: string, server: HubServer) {
    this.folder = folder;
    this.#server = server;
  }

  static async start(): Promise<KubeHub> {
    const folder = await mkdtemp(join(tmpdir(), "isthmus-hub-"));
    const server = ExistingServer.fromEnv(process.env) ?? (await EmbeddedServer.start(folder));
    const hub = new KubeHub(folder, server);
    must(await ensureCrds(hubCrds(), { client: hub.client(), clock: systemClock }, signal));
    return hub;
  }

  get kubeconfig(): string {
    return this.#server.kubeconfig;
  }

  /** Of the kubeconfig; undefined: its current one. */
  get context(): string | undefined {
    return this.#server.context;
  }

  /** Whether `stop` and `resume` can be asked for. */
  get isRestartable(): boolean {
    return this.#server.isRestartable;
  }

  /** Over HTTPS, as the tests' own user unless another kubeconfig says otherwise. */
  client({
    kubeconfig = this.#server.kubeconfig,
    context = this.#server.context,
    meter = silentMeter,
  }: {
    readonly kubeconfig?: string;
    readonly context?: string | undefined;
    readonly meter?: Meter;
  } = {}): KubeClient {
    const chosen = { kubeconfig, env: {}, ...(context !== undefined && { context }) };
    const target = must(loadKubeConfig(chosen));
    const access = new KubeConfigAccess(target, { clock: systemClock });
    const client = new HttpKubeClient(
      {},
      { access, clock: systemClock, random: systemRandom, meter },
    );
    this.#clients.push(client);
    return client;
  }

  /** Without sockets. */
  memoryClient(): KubeClient {
    const client = this.#server.memoryClient?.();
    if (client === undefined) throw new Error("an existing API server is reached over HTTPS only");
    return client;
  }

  /** A namespace of its own. */
  async newNamespace(): Promise<string> {
    const name = `hub-test-${randomUUID().slice(0, 8)}`;
    const namespace: KubeObject = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    must(await this.client().create(NAMESPACES, namespace, { signal }));
    this.#namespaces.push(name);
    return name;
  }

  space(namespace: string, client: KubeClient, kind: SpaceObjectKind = recordObjects): KubeSpace {
    return new KubeSpace({ namespace, space: "test", kind }, { ...deps, client });
  }

  async openStore(namespace: string, client = this.client()): Promise<ReplicatedStore> {
    const space = this.space(namespace, client);
    return must(await openReplicatedStore({}, { ...deps, space }, signal));
  }

  /** Ends every connection; what is stored stays. */
  stop(): Promise<void> {
    return this.#server.stop();
  }

  resume(): Promise<void> {
    return this.#server.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.isShared) await this.#removeNamespaces();
    for (const client of this.#clients) client.close();
    await this.#server.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #removeNamespaces(): Promise<void> {
    const client = this.client();
    for (const name of this.#namespaces) {
      await client.delete({ resource: NAMESPACES, name }, {}, { signal });
    }
  }
}
