import type { BackendName } from "../../../api/network/backend-name.ts";
import type { Peer } from "../../../api/network/peer.ts";
import { PEERS } from "../../../api/network/resources.ts";
import { serviceKey } from "../../../api/service-key.ts";
import { DEFAULT_CHOICE_SETTINGS } from "../../../connectivity/select/choose-path.ts";
import type { Pins } from "../../../connectivity/select/pins.ts";
import type { PathTruths, PathView } from "../check/check-converged.ts";
import { liveExport } from "../check/live-export.ts";
import type { Report } from "../check/violation.ts";
import { SIM_BACKENDS, type SimBackend } from "../script/step.ts";
import type { SimCluster } from "../world/sim-cluster.ts";
import { globalAddress } from "./sim-addresses.ts";
import type { SimNetwork } from "./sim-network.ts";

export interface PathTwinDeps {
  readonly network: SimNetwork;
  readonly clusters: readonly SimCluster[];
  /** Indices of clusters that have a network in common. */
  readonly overlapping: readonly number[];
  readonly pinsOf: (cluster: SimCluster) => Pins;
  /** Members that are in nobody's paths. */
  readonly hasGuests: () => boolean;
}

/** What a path that is up again is given to prove itself, for what is not measured in the first moments. */
const TRUST_SLACK_MS = 2_000;

/** A naive twin of path selection: what the network and the pins make right, worked out anew. */
export class PathTwin implements PathTruths {
  readonly #deps: PathTwinDeps;

  constructor(deps: PathTwinDeps) {
    this.#deps = deps;
  }

  seenFrom(importer: SimCluster, namespace: string, name: string): PathView {
    const others = this.#deps.clusters.filter((cluster) => cluster !== importer);
    const isCutOff =
      others.length > 1 &&
      !this.#deps.hasGuests() &&
      others.every((peer) => !this.isAlive(importer, peer));
    const key = serviceKey(namespace, name);
    const dead = others.filter((peer) => !this.isAlive(importer, peer, key));
    return {
      dead: isCutOff ? [] : dead,
      reach: (exporter, address) => {
        if (exporter === importer) return address;
        const backend = this.backend(importer, exporter, key);
        if (backend === "underlay") return address;
        return backend === "vxlan" ? globalAddress(exporter, address) : undefined;
      },
    };
  }

  /** What traffic of the service, or of the peer, takes arrives. */
  isAlive(importer: SimCluster, peer: SimCluster, service?: string): boolean {
    const backend = this.backend(importer, peer, service);
    return backend !== undefined && this.#deps.network.way(importer.id, peer.id, backend).isUp;
  }

  /** Backends that could carry something between the two, best first. */
  usable(importer: SimCluster, peer: SimCluster): readonly SimBackend[] {
    const { overlapping } = this.#deps;
    const doOverlap = overlapping.includes(importer.index) && overlapping.includes(peer.index);
    return SIM_BACKENDS.filter((backend) => backend !== "underlay" || !doOverlap);
  }

  cluster(id: string): SimCluster | undefined {
    return this.#deps.clusters.find((cluster) => cluster.id === id);
  }

  /** It exports the service, with an endpoint that is ready. */
  isStillOffered(peer: SimCluster, namespace: string, name: string): boolean {
    const slices = liveExport(peer, namespace, name)?.slices ?? [];
    const endpoints = slices.flatMap((slice) => slice.endpoints ?? []);
    return endpoints.some(({ conditions }) => conditions?.ready !== false);
  }

  /** What the importer's controllers say they have chosen; that it is right is checked apart. */
  chosen(importer: SimCluster, peer: SimCluster): BackendName | undefined {
    return importer.get<Peer>(PEERS, peer.id)?.status?.backend;
  }

  /** That each choice which is not pinned is the best there is, but for one that is not trusted again yet. */
  checkChoices(nowMs: number, report: Report): void {
    const { clusters, network, pinsOf } = this.#deps;
    for (const importer of clusters) {
      for (const peer of clusters) {
        if (importer === peer || pinsOf(importer).peers.has(peer.id)) continue;
        const chosen = this.chosen(importer, peer);
        const ways = this.usable(importer, peer).map((backend) => ({
          backend,
          ...network.way(importer.id, peer.id, backend),
        }));
        const up = ways.filter(({ isUp }) => isUp);
        const trusted = up.find(({ sinceMs, deaths }) => {
          const grown = DEFAULT_CHOICE_SETTINGS.betterForMs * 2 ** deaths;
          const forMs = Math.min(grown, DEFAULT_CHOICE_SETTINGS.betterForMsMax);
          return nowMs - sinceMs >= forMs + TRUST_SLACK_MS;
        });
        const right = up.slice(0, trusted === undefined ? up.length : up.indexOf(trusted) + 1);
        if (up.length === 0 || right.some(({ backend }) => backend === chosen)) continue;
        report(
          "path-choice",
          `${importer.id} reaches ${peer.id} over ${chosen}: must be one of ${right.map(({ backend }) => backend).join()}`,
        );
      }
    }
  }

  /** What carries the service, or what goes to the peer; undefined: nothing can. */
  backend(importer: SimCluster, peer: SimCluster, service?: string): SimBackend | undefined {
    const { peers, namespaces, services } = this.#deps.pinsOf(importer);
    const [namespace = ""] = (service ?? "").split("/");
    const pin =
      [...services].find(([key]) => key === service)?.[1] ??
      namespaces.get(namespace) ??
      peers.get(peer.id);
    const backend = pin ?? this.chosen(importer, peer);
    return this.usable(importer, peer).find((usable) => usable === backend);
  }
}
