import { fileURLToPath } from "node:url";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { invariant } from "../../../api/invariant.ts";
import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import type { IpFamily } from "../../../api/kube/service.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { parseKubeObject } from "../../../runtime/kube/client/kube-object-parser.ts";
import { readCrdManifests } from "../../../runtime/kube/crds/read-crd-manifests.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { ApiServerCore } from "../../../sandbox/apiserver/core/api-server-core.ts";
import { CorePump } from "../../../sandbox/apiserver/core/core-pump.ts";
import {
  InMemoryKubeClient,
  type InMemoryKubeClientDeps,
} from "../../../sandbox/apiserver/in-memory-kube-client.ts";

/** Who wrote: told apart by the client that carried the request. `cluster` is the API server's own background work. */
export type Author = "cluster" | "user" | "controllers" | "dns" | "gateway";

/** One committed write of one cluster. */
export interface Change {
  readonly cluster: SimCluster;
  readonly author: Author;
  /** `group/plural`. */
  readonly collection: string;
  /** `namespace/name`, or `name`. */
  readonly key: string;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

export interface SimClusterOptions {
  readonly id: ClusterId;
  readonly index: number;
  readonly clockSkewMs: number;
  readonly families: readonly IpFamily[];
  readonly onChange: (change: Change) => void;
}

const CRDS: Resource = {
  group: "apiextensions.k8s.io",
  version: "v1",
  plural: "customresourcedefinitions",
  kind: "CustomResourceDefinition",
  namespaced: false,
};
const CRD_MANIFESTS = readCrdManifests(
  fileURLToPath(new URL("../../../api/crds", import.meta.url)),
);
const ANY: Resource = { group: "", version: "", plural: "", kind: "", namespaced: true };
/** Small, so that watches that resume late are answered 410. */
const HISTORY_LIMIT = 60;

/** One cluster's Kubernetes API with a clock of its own, and the record of who writes what. */
export class SimCluster {
  readonly id: ClusterId;
  readonly index: number;
  readonly families: readonly IpFamily[];
  readonly clock: Clock;
  readonly core: ApiServerCore;
  readonly user: InMemoryKubeClient;
  readonly #pump: CorePump;
  readonly #onChange: (change: Change) => void;
  #author: Author = "cluster";

  constructor(
    options: SimClusterOptions,
    deps: { readonly clock: Clock; readonly random: Random },
  ) {
    this.id = options.id;
    this.index = options.index;
    this.families = options.families;
    this.#onChange = options.onChange;
    this.clock = skewed(deps.clock, options.clockSkewMs);
    const created = ApiServerCore.create(
      {
        serviceCidrs: options.families.map((family) => serviceCidr(family, options.index)),
        historyLimit: HISTORY_LIMIT,
      },
      { random: deps.random, nowMs: this.clock.nowMs() },
    );
    invariant(created.ok, "a simulated API server starts", { created });
    this.core = created.value;
    this.#pump = new CorePump({ settleDelayMs: 20 }, { core: this.core, clock: this.clock });
    this.user = this.client("user", {});
  }

  /** Custom resource definitions, as the chart installs them. */
  async install(): Promise<void> {
    const { signal } = new AbortController();
    for (const manifest of CRD_MANIFESTS) {
      const created = await this.user.create<KubeObject>(CRDS, manifest, { signal });
      invariant(created.ok, "a definition is accepted", { created });
    }
    this.core.settle(this.clock.nowMs());
    this.core.state.store.subscribe(({ collection, key, before, after }) => {
      const author = this.#author;
      const change = { cluster: this, author, collection, key };
      this.#onChange({ ...change, before: object(before), after: object(after) });
    });
  }

  client(
    author: Author,
    deps: Pick<InMemoryKubeClientDeps, "intercept">,
    onPerform: () => void = () => undefined,
  ): InMemoryKubeClient {
    const { core, clock } = this;
    const perform: InMemoryKubeClientDeps["perform"] = (handle) => {
      this.#author = author;
      onPerform();
      try {
        return handle();
      } finally {
        this.#author = "cluster";
      }
    };
    const fieldManager = author === "user" ? "kubectl" : "isthmus";
    return new InMemoryKubeClient(
      { fieldManager },
      { core, clock, pump: this.#pump, perform, ...deps },
    );
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the resource decides the type, as in KubeClient
  get<T extends KubeObject>(resource: Resource, key: string): T | undefined {
    const found = this.core.state.store.get(collectionName(resource), key);
    return found === undefined ? undefined : typedObject<T>(found, resource);
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the resource decides the type, as in KubeClient
  list<T extends KubeObject>(resource: Resource, namespace?: string): readonly T[] {
    const entries = this.core.state.store.list(collectionName(resource), namespace);
    return entries.map((entry) => typedObject<T>(entry.object, resource));
  }

  stop(): void {
    this.#pump.stop();
  }
}

/** A range of its own for each cluster: an address tells where it was made. */
function serviceCidr(family: IpFamily, index: number): string {
  return family === "IPv4" ? `10.${100 + index}.0.0/16` : `fd00:${100 + index}::/112`;
}

export function collectionName({ group, plural }: Resource): string {
  return `${group}/${plural}`;
}

function object(stored: unknown): KubeObject | undefined {
  return stored === undefined ? undefined : typedObject<KubeObject>(stored, ANY);
}

/** An object of a change as what its collection says it is. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the resource decides the type, as in KubeClient
export function typedObject<T extends KubeObject>(stored: unknown, resource: Resource): T {
  const result = parseKubeObject<T>(stored, resource);
  invariant(result.ok, "a stored object is an object", { result });
  return result.value;
}

/** Wall time that is off by a constant; waiting is not. */
function skewed(clock: Clock, skewMs: number): Clock {
  return {
    nowMs: () => clock.nowMs() + skewMs,
    monotonicMs: () => clock.monotonicMs(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
  };
}
