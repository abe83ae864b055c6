import type { ClusterId } from "../../../api/cluster-id.ts";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { KubeObject } from "../../../api/kube/object.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import type { Peer } from "../../../api/network/peer.ts";
import { PEERS } from "../../../api/network/resources.ts";
import { serviceKey } from "../../../api/service-key.ts";
import { DEFAULT_CHOICE_SETTINGS } from "../../../connectivity/select/choose-path.ts";
import type { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import type { Report, Violation } from "../check/violation.ts";
import { SIM_BACKENDS, type SimBackend } from "../script/step.ts";
import { type Change, collectionName, type SimCluster, typedObject } from "../world/sim-cluster.ts";
import type { PathTwin } from "./path-twin.ts";
import type { SimNetwork } from "./sim-network.ts";

export interface PathRulesDeps {
  readonly clock: VirtualClock;
  readonly network: SimNetwork;
  readonly twin: PathTwin;
  readonly report: Report;
}

const PEERS_COLLECTION = collectionName(PEERS);
const SLICES_COLLECTION = collectionName(ENDPOINT_SLICES);
/** What users did last is everywhere by then. */
const SETTLED_MS = 1_000;
/** From what happens to a path to what is offered (design, decision 6). */
const FOLLOWED_MS = 1_000;
/** A path that heals is known to be up by then. */
const NOTICED_MS = 1_000;
/** Whatever a user took away has left every slice by then. */
const USER_MS = 3_000;

/**
 * What holds while paths die, heal and are pinned and nothing else is wrong: everything follows within a second; a path that
 * is up is left only for one that has proved itself; and nobody's endpoints go while a path to them is up (I8).
 */
export class PathRules {
  readonly #deps: PathRulesDeps;
  #check: ((report: Report) => void) | undefined;
  #userActedMs = Number.NEGATIVE_INFINITY;
  /** Since when pins are what they are. BOUNDED: by the members. */
  readonly #pinnedMs = new Map<ClusterId, number>();

  constructor(deps: PathRulesDeps) {
    this.#deps = deps;
  }

  rested(check: (report: Report) => void): void {
    this.#check = check;
  }

  disturbed(): void {
    this.#check = undefined;
  }

  userActed(): void {
    this.#userActedMs = this.#deps.clock.monotonicMs();
  }

  pinned({ id }: SimCluster): void {
    this.#pinnedMs.set(id, this.#deps.clock.monotonicMs());
  }

  /** Does something to paths, and compares the world a second later, if it was as it should be before. */
  async followed(act: () => Promise<void>): Promise<void> {
    const { clock, twin, report } = this.#deps;
    if (this.#check === undefined) return act();
    await clock.advance(SETTLED_MS);
    const wasRight = this.#problems(this.#check).length === 0;
    await act();
    await clock.advance(FOLLOWED_MS);
    if (!wasRight) return;
    for (const { text } of this.#problems(this.#check)) {
      report("I8", `a second after a path or pin has changed: ${text}`);
    }
    twin.checkChoices(clock.monotonicMs(), report);
  }

  onChange(change: Change): void {
    if (this.#check === undefined || change.author !== "controllers") return;
    if (change.collection === PEERS_COLLECTION) this.#checkSwitch(change);
    if (change.collection === SLICES_COLLECTION) this.#checkWithdrawal(change);
  }

  #problems(check: (report: Report) => void): readonly Violation[] {
    const found: Violation[] = [];
    check((invariant, text) => found.push({ invariant, text }));
    return found;
  }

  #checkSwitch({ cluster, key, before, after }: Change): void {
    const [from, to] = [chosen(before), chosen(after)];
    if (from === undefined || to === undefined || from === to) return;
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - (this.#pinnedMs.get(cluster.id) ?? Number.NEGATIVE_INFINITY) < NOTICED_MS) return;
    const peer = key as ClusterId;
    const left = this.#deps.network.way(cluster.id, peer, from);
    const taken = this.#deps.network.way(cluster.id, peer, to);
    if (!left.isUp || nowMs - left.sinceMs < NOTICED_MS) return;
    const forMs = nowMs - taken.sinceMs;
    if (SIM_BACKENDS.indexOf(to) < SIM_BACKENDS.indexOf(from)) {
      if (taken.isUp && forMs >= DEFAULT_CHOICE_SETTINGS.betterForMs) return;
    }
    this.#deps.report(
      "path-hysteresis",
      `${cluster.id} left ${from} to ${key}, which is up, for ${to}, ${taken.isUp ? "up" : "down"} for ${Math.round(forMs)} ms`,
    );
  }

  #checkWithdrawal({ cluster, before, after }: Change): void {
    if (before === undefined || !hasEndpoints(before) || (after && hasEndpoints(after))) return;
    const { namespace = "", labels = {} } = before.metadata;
    const source = labels[LABEL_SOURCE_CLUSTER] ?? "";
    const name = labels[LABEL_SERVICE_NAME] ?? "";
    const peer = this.#deps.twin.cluster(source);
    if (peer === undefined || peer === cluster) return;
    if (!this.#deps.twin.isStillOffered(peer, namespace, name)) return;
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - this.#userActedMs < USER_MS) return;
    const backend = this.#deps.twin.backend(cluster, peer, serviceKey(namespace, name));
    const isUp = (way: SimBackend): boolean => {
      const { isUp: up, sinceMs } = this.#deps.network.way(cluster.id, peer.id, way);
      return up && nowMs - sinceMs >= NOTICED_MS;
    };
    if (backend === undefined || !isUp(backend)) return;
    this.#deps.report(
      "I8",
      `endpoints of ${source} for ${namespace}/${name} are taken away in ${cluster.id}, though ${backend} is up`,
    );
  }
}

function chosen(object: KubeObject | undefined): SimBackend | undefined {
  const backend =
    object === undefined ? undefined : typedObject<Peer>(object, PEERS).status?.backend;
  return SIM_BACKENDS.find((name) => name === backend);
}

function hasEndpoints(object: KubeObject): boolean {
  return (typedObject<EndpointSlice>(object, ENDPOINT_SLICES).endpoints ?? []).length > 0;
}
