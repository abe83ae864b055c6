import type { ClusterId } from "../../../api/cluster-id.ts";
import { invariant } from "../../../api/invariant.ts";
import { NODES, type Node } from "../../../api/kube/node.ts";
import type { MemoryBroker } from "../../../broker/client/memory/memory-broker.ts";
import { Reporter } from "../../../connectivity/report/reporter.ts";
import { DEFAULT_CHOICE_SETTINGS } from "../../../connectivity/select/choose-path.ts";
import type { PathSettings } from "../../../connectivity/select/path-settings.ts";
import { NO_PINS, parsePins } from "../../../connectivity/select/pins.ts";
import type { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { Settable } from "../../../runtime/config/settable.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { Report } from "../check/violation.ts";
import type { PathAction, PathsDraft } from "../script/step.ts";
import { USER_CALL } from "../users/requests.ts";
import { reportingLogger } from "../world/reporting-logger.ts";
import type { Change, SimCluster } from "../world/sim-cluster.ts";
import type { SimMember } from "../world/sim-member.ts";
import type { Wiring } from "../world/wiring.ts";
import { BlockRules } from "./block-rules.ts";
import { Guests } from "./guests.ts";
import type { MemberPaths } from "./member-paths.ts";
import { PathRules } from "./path-rules.ts";
import { PathTwin } from "./path-twin.ts";
import { PIN_SETS } from "./pin-sets.ts";
import { podNetworks } from "./sim-addresses.ts";
import { SimNetwork } from "./sim-network.ts";

export interface WorldPathsDeps {
  readonly broker: MemoryBroker;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly wiring: Wiring;
  readonly report: Report;
}

/** From the start of a process to the moment when everybody has heard of it and been answered. */
const KNOWN_AGAIN_MS = 6_000;

/** Everything that a script's members have beside the rest because they take part in connectivity. */
export class WorldPaths {
  readonly network: SimNetwork;
  readonly twin: PathTwin;
  readonly #draft: PathsDraft;
  readonly #deps: WorldPathsDeps;
  readonly #clusters: SimCluster[] = [];
  #members: readonly SimMember[] = [];
  /** BOUNDED: by the members. */
  readonly #settings = new Map<ClusterId, Settable<PathSettings>>();
  readonly #rules: PathRules;
  readonly #blocks: BlockRules;
  readonly #guests: Guests;
  readonly #stop = new AbortController();

  constructor(draft: PathsDraft, deps: WorldPathsDeps) {
    this.#draft = draft;
    this.#deps = deps;
    this.network = new SimNetwork(this.#clusters, deps);
    this.#blocks = new BlockRules(deps.report);
    this.#guests = new Guests(deps, (owner, block) => this.#blocks.given(owner, block));
    this.twin = new PathTwin({
      network: this.network,
      clusters: this.#clusters,
      overlapping: draft.overlapping,
      pinsOf: ({ id }) => this.#settings.get(id)?.current.pins ?? NO_PINS,
      hasGuests: () => this.#guests.areThere,
    });
    this.#rules = new PathRules({ ...deps, network: this.network, twin: this.twin });
  }

  /** Of a member that is being made. */
  member(cluster: SimCluster): MemberPaths {
    this.#clusters.push(cluster);
    const settings = new Settable<PathSettings>({ choice: DEFAULT_CHOICE_SETTINGS, pins: NO_PINS });
    this.#settings.set(cluster.id, settings);
    const asConfigured = this.#deps.wiring.pathSettings ?? ((given) => given);
    const podCidrs = podNetworks(cluster.index, this.#draft.overlapping.includes(cluster.index));
    return {
      probes: this.network.probesOf(cluster),
      settings: {
        get current() {
          return asConfigured(settings.current);
        },
        subscribe: (listener) => settings.subscribe(listener),
      },
      network: {
        settings: { podCidrs, serviceCidrs: ["10.96.0.0/16"], encryption: "none" },
        fixed: [],
      },
    };
  }

  /** A node each, with a gateway that goes on reporting. */
  async begin(members: readonly SimMember[]): Promise<void> {
    this.#members = members;
    for (const { deps } of members) {
      const { cluster, faults, random, report } = deps;
      const node: Node = {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: "node-0" },
        status: { conditions: [{ type: "Ready", status: "True" }] },
      };
      const created = await cluster.user.create(NODES, node, USER_CALL);
      invariant(created.ok, "a node is accepted", { created });
      const client = cluster.client("gateway", { intercept: faults.intercept });
      const log = reportingLogger(`gateway of ${cluster.id}`, report);
      // Whoever leaves here comes back: it goes on.
      const networks = { get: () => node };
      const { clock } = cluster;
      const reporter = new Reporter("node-0", { client, clock, random, log, networks });
      const endpoints = [`192.0.2.${10 + cluster.index}`];
      reporter.say({ facts: { endpoints, port: 4_789 }, paths: [] });
      void reporter.run(this.#stop.signal);
    }
  }

  async perform(action: PathAction): Promise<void> {
    switch (action.kind) {
      case "guest":
        return this.#guests.perform(action);
      case "responder":
        return this.#rules.followed(async () => this.#restart(action));
      case "pins":
        return this.#rules.followed(async () => this.#pin(action.member, action.pins));
      case "path":
        return this.#rules.followed(async () => this.#change(action));
    }
  }

  onChange(change: Change): void {
    this.#blocks.onChange(change);
    this.#rules.onChange(change);
  }

  userActed(): void {
    this.#rules.userActed();
  }

  /** Something happens that paths are not answerable for, until the next rest. */
  disturbed(): void {
    this.#rules.disturbed();
  }

  calm(): void {
    this.network.endLosses();
  }

  /** Everything that faults left behind is over. @param check compares the whole world. */
  rested(check: (report: Report) => void): void {
    this.twin.checkChoices(this.#deps.clock.monotonicMs(), this.#deps.report);
    this.#rules.rested(check);
  }

  stop(): void {
    this.#stop.abort();
    this.#guests.stop();
  }

  /** Ends when it is back and known to be. */
  async #restart({
    member,
    how,
    downMs,
  }: Extract<PathAction, { kind: "responder" }>): Promise<void> {
    const found = this.#members[member];
    if (found === undefined) return;
    if (how === "alone") this.network.pause(found.deps.cluster, downMs);
    else {
      found.restartControllers(0, how === "stopped" ? "graceful" : "crash", downMs);
      if (how === "moved") this.network.movePod(found.deps.cluster);
    }
    await this.#deps.clock.advance(downMs + KNOWN_AGAIN_MS);
  }

  #pin(member: number, set: number): void {
    const cluster = this.#clusters[member];
    const pins = parsePins(PIN_SETS[set] ?? []);
    invariant(pins.ok, "pins of a script can be read", { set });
    if (cluster === undefined) return;
    this.#rules.pinned(cluster);
    const settings = this.#settings.get(cluster.id);
    settings?.set({ ...settings.current, pins: pins.value });
  }

  #change({ from, to, backend, condition }: Extract<PathAction, { kind: "path" }>): void {
    const [source, target] = [this.#clusters[from], this.#clusters[to]];
    if (source === undefined || target === undefined) return;
    this.network.set(source.id, target.id, backend, condition);
  }
}
