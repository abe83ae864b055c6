import { err, ok, type Result } from "../../../api/result.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { DefinitionLifecycle } from "../deletion/definition-lifecycle.ts";
import { GarbageCollector } from "../deletion/garbage-collector.ts";
import { NamespaceLifecycle } from "../deletion/namespace-lifecycle.ts";
import { builtinKinds } from "../kinds/builtin-kinds.ts";
import { parseServiceRanges, ServiceNetwork } from "../kinds/service/service-network.ts";
import { OpenApiDocuments } from "../openapi/openapi-documents.ts";
import { KindRegistry } from "../registry/kind-registry.ts";
import type { RegistryState } from "../registry/registry-state.ts";
import { ObjectStore } from "../store/object-store.ts";
import { WatchHub } from "../watch/watch-hub.ts";
import { seedCluster } from "./seed-cluster.ts";

export interface ApiServerCoreOptions {
  /** One CIDR, or one of each family, e.g. `["10.96.0.0/16"]`; the first family is the default. */
  readonly serviceCidrs: readonly string[];
  /** Past events kept for watches and list pages. @default 10,000 */
  readonly historyLimit?: number;
  /** Objects of all kinds together. @default 100,000 */
  readonly objectLimit?: number;
  /** The first resourceVersion; give one above those of an earlier life at the same address. @default 1, as etcd */
  readonly firstRevision?: number;
}

/** Rounds of background work after which a settle gives up: a guard against a rule that feeds itself. */
const SETTLE_ROUNDS_MAX = 1_000;

/**
 * One cluster's API below HTTP: state, operations and background work, all synchronous. The HTTP shell and the
 * simulation drive the same core; time comes in with each call.
 */
export class ApiServerCore {
  readonly state: RegistryState;
  readonly watches: WatchHub;
  readonly openApi: OpenApiDocuments;
  readonly #lifecycles: readonly Lifecycle[];

  private constructor(state: RegistryState) {
    this.state = state;
    this.watches = new WatchHub(state.store);
    this.openApi = new OpenApiDocuments(state.kinds);
    this.#lifecycles = [
      new DefinitionLifecycle(state),
      new NamespaceLifecycle(state),
      new GarbageCollector(state),
    ];
  }

  /** A cluster with its default namespaces and the `kubernetes` Service. */
  static create(
    options: ApiServerCoreOptions,
    deps: { readonly random: Random; readonly nowMs: number },
  ): Result<ApiServerCore, string> {
    const ranges = parseServiceRanges(options.serviceCidrs);
    if (!ranges.ok) return err(ranges.error);
    const core = new ApiServerCore({
      store: new ObjectStore(options),
      kinds: new KindRegistry(builtinKinds()),
      network: new ServiceNetwork(ranges.value, deps),
      random: deps.random,
    });
    seedCluster(core.state, ranges.value, deps.nowMs);
    core.settle(deps.nowMs);
    return ok(core);
  }

  /** Background work that earlier writes made due: definitions, namespaces, garbage. False when some is left over. */
  settle(nowMs: number): boolean {
    for (let round = 0; round < SETTLE_ROUNDS_MAX; round += 1) {
      let worked = false;
      for (const lifecycle of this.#lifecycles) worked = lifecycle.step(nowMs) || worked;
      if (!worked) return true;
    }
    return false;
  }

  /** Work is waiting for `settle`. */
  get needsSettling(): boolean {
    return this.#lifecycles.some((lifecycle) => lifecycle.pending);
  }

  /** Bookmarks and the ends of watches that are due. */
  tick(nowMs: number): void {
    this.watches.tick(nowMs);
  }

  nextTickMs(): number | undefined {
    return this.watches.nextTickMs();
  }
}

/** Background work as a queue that writes feed. */
interface Lifecycle {
  readonly pending: boolean;
  /** Does what is queued; true when there was something to do. */
  step(nowMs: number): boolean;
}
