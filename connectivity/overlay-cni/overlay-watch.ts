import type { KubeObject, Resource } from "../../api/kube/object.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { Changing } from "../../runtime/config/changing.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Random } from "../../runtime/random/random.ts";
import {
  ANTREA_CLUSTER_SETS,
  ANTREA_INFO_IMPORTS,
  CNI_NAMESPACES,
  CONFIG_MAPS,
  type DataObject,
  type MeshObjects,
  SECRETS,
} from "./mesh-objects.ts";
import { type RecognisedMesh, recogniseMesh } from "./recognise-mesh.ts";

export interface OverlayWatchDeps {
  readonly client: Pick<KubeClient, "get" | "list">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A mesh is set up by people: minutes do. */
const LOOK_MS = 60_000;
const REQUEST_MS = 10_000;

/** Looks at the CNI's objects from time to time. One that cannot be read is taken for absent, and said once. */
export class OverlayWatch implements Changing<RecognisedMesh | undefined> {
  readonly #deps: OverlayWatchDeps;
  /** BOUNDED: by the parts of the program that subscribe. */
  readonly #listeners = new Set<() => void>();
  /** BOUNDED: by the kinds and names that are looked at. */
  readonly #told = new Set<string>();
  #current: RecognisedMesh | undefined;
  #text = "";

  constructor(deps: OverlayWatchDeps) {
    this.#deps = deps;
  }

  get current(): RecognisedMesh | undefined {
    return this.#current;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves after the first look; looks on until the signal aborts. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#look(signal);
    void this.#goOn(signal);
  }

  async #goOn(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#deps;
    while (!signal.aborted) {
      await sleep(clock, LOOK_MS * (0.9 + 0.2 * random.next()), signal);
      if (!signal.aborted) await this.#look(signal);
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const objects: MeshObjects = {
      ciliumConfig: await this.#find(CONFIG_MAPS, "cilium-config", signal),
      ciliumRemotes: await this.#find(SECRETS, "cilium-clustermesh", signal),
      antreaClusterSets: await this.#list(ANTREA_CLUSTER_SETS, signal),
      antreaInfoImports: await this.#list(ANTREA_INFO_IMPORTS, signal),
      ovnIcConfig: await this.#find(CONFIG_MAPS, "ovn-ic-config", signal),
    };
    if (signal.aborted) return;
    const text = JSON.stringify(objects, withoutSecrets);
    if (text === this.#text) return;
    this.#text = text;
    this.#current = recogniseMesh(objects);
    const { mesh, id, importsServices } = this.#current ?? {};
    this.#deps.log.info("mesh of the CNI", { mesh: mesh ?? "none", id, importsServices });
    for (const listener of this.#listeners) listener();
  }

  async #find(
    resource: Resource,
    name: string,
    signal: AbortSignal,
  ): Promise<DataObject | undefined> {
    for (const namespace of CNI_NAMESPACES) {
      const found = await this.#deps.client.get<DataObject>(
        { resource, namespace, name },
        { signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]) },
      );
      if (found.ok) return found.value;
      if (found.error.kind !== "not-found") this.#tell(`${resource.kind} ${name}`, found.error);
    }
    return undefined;
  }

  async #list(resource: Resource, signal: AbortSignal): Promise<readonly KubeObject[]> {
    const listed = await this.#deps.client.list<KubeObject>(
      resource,
      { limit: 1_000 },
      { signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]) },
    );
    if (listed.ok) return listed.value.items;
    const { kind } = listed.error;
    if (kind !== "not-found" && kind !== "no-such-resource")
      this.#tell(resource.kind, listed.error);
    return [];
  }

  #tell(what: string, error: unknown): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#deps.log.warn("object of the CNI cannot be read: taken for absent", { what, err: error });
  }
}

/** Which remote clusters there are is news; their keys and endpoints are nobody's business. */
function withoutSecrets(key: string, value: unknown): unknown {
  if (key !== "ciliumRemotes" || typeof value !== "object" || value === null) return value;
  return Object.keys(Reflect.get(value, "data") ?? {});
}
