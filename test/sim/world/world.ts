import { isDeepStrictEqual } from "node:util";
import { parseClusterId } from "../../../api/cluster-id.ts";
import { invariant } from "../../../api/invariant.ts";
import { LEASES } from "../../../api/kube/lease.ts";
import { MemoryBroker } from "../../../broker/client/memory/memory-broker.ts";
import type { GlobalAllocator } from "../../../broker/globals/global-block.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { AnswerHistory } from "../check/answer-history.ts";
import { BrokerRows } from "../check/broker-rows.ts";
import { ImportLifetime } from "../check/import-lifetime.ts";
import { Leadership } from "../check/leadership.ts";
import { Offers } from "../check/offers.ts";
import type { Report } from "../check/violation.ts";
import { EVENTS_COLLECTION, WriteRules } from "../check/write-rules.ts";
import { podAddress } from "../paths/sim-addresses.ts";
import { simGlobals } from "../paths/sim-globals.ts";
import { WorldPaths } from "../paths/world-paths.ts";
import { PRIVATE_SERVICE } from "../script/service-shapes.ts";
import {
  type FaultAction,
  isFault,
  isPathAction,
  type LinkFault,
  type PathAction,
  type PathsDraft,
  type Script,
  type UserAction,
} from "../script/step.ts";
import { createNamespace, performUserAction } from "../users/perform-user-action.ts";
import { putEndpoints, putService } from "../users/services.ts";
import type { ControllersProcess } from "./controllers-process.ts";
import { KubeFaults } from "./kube-faults.ts";
import { LEASE_NAMESPACE } from "./lease.ts";
import type { MemberTerm } from "./member-term.ts";
import { type Change, collectionName, SimCluster } from "./sim-cluster.ts";
import { SimMember } from "./sim-member.ts";
import type { Wiring } from "./wiring.ts";

const LEASES_COLLECTION = collectionName(LEASES);
const IDS = ["east", "north", "south", "west"];
const GONE: KubeError = { kind: "gone", status: 410, message: "injected: expired" };
const RESET: KubeError = { kind: "unavailable", message: "injected: connection reset" };

/** How long a broker does not know that a member has gone elsewhere: longer than the first attempts to come back. */
const LINGER_MS = 4_000;

/** Far more than all members need to bring all services from nothing to their end. */
const WRITES_PER_MOMENT_MAX = 1_000;

export interface WriteCount {
  readonly all: number;
  /** Without Events. */
  readonly objects: number;
  readonly last: string;
}

export interface WorldDeps {
  readonly wiring: Wiring;
  readonly report: Report;
  readonly note: (text: string) => void;
}

/**
 * A clusterset in one process under one virtual clock: API servers, controllers, DNS servers and the broker are the real ones
 * down to their ports. Time passes only in `advance`.
 */
export class World {
  readonly clock = new VirtualClock();
  readonly broker: MemoryBroker;
  readonly members: readonly SimMember[];
  readonly lifetime: ImportLifetime;
  /** Present where the script has them. */
  readonly paths: WorldPaths | undefined;
  readonly #script: Script;
  readonly #deps: WorldDeps;
  readonly #rules: WriteRules;
  readonly #rows: BrokerRows;
  /** BOUNDED: by the members. */
  readonly #leaderships = new Map<SimCluster, Leadership>();
  /** Who is writing at this very moment. */
  #writer: ControllersProcess | undefined;
  /** BOUNDED: by the restarts of a script. */
  readonly #processes: ControllersProcess[] = [];
  #moment = { atMs: 0, writes: 0 };
  #writes: WriteCount = { all: 0, objects: 0, last: "" };

  constructor(script: Script, deps: WorldDeps) {
    this.#script = script;
    this.#deps = deps;
    const random = this.#random(1);
    this.broker = new MemoryBroker(
      // Mostly quick, now and then slow; never out of order, as in one TCP stream.
      {
        latencyMs: () => (random.next() < 0.05 ? 500 : 5) * random.next(),
        hubs: script.hubs,
        ...(script.paths === undefined ? {} : { globals: this.#globals() }),
      },
      { clock: this.clock, random: this.#random(2) },
    );
    this.paths = script.paths && this.#worldPaths(script.paths);
    const offers = new Offers();
    this.#rules = new WriteRules(deps.report, offers, (source, address) => {
      const cluster = this.clusters.find(({ id }) => id === source);
      return (cluster && podAddress(cluster, address)) ?? address;
    });
    this.#rows = new BrokerRows(offers, deps.report);
    this.#watchStore();
    this.members = script.members.map((_, index) => this.#member(index));
    this.lifetime = new ImportLifetime(this.clusters, {
      clock: this.clock,
      report: deps.report,
    });
  }

  get clusters(): readonly SimCluster[] {
    return this.members.map(({ deps }) => deps.cluster);
  }

  /** Of controllers and DNS servers, since the beginning. */
  get writes(): WriteCount {
    return this.#writes;
  }

  /** Definitions, namespaces, a service that nobody exports, and the first start of everything. */
  async begin(): Promise<void> {
    for (const [index, { deps }] of this.members.entries()) {
      await deps.cluster.install();
      if (deps.replicas > 1) await createNamespace(deps.cluster, LEASE_NAMESPACE);
      for (const namespace of this.#script.members[index]?.namespaces ?? []) {
        await createNamespace(deps.cluster, namespace);
        const target = { member: index, namespace, service: PRIVATE_SERVICE };
        await putService(deps.cluster, { ...target, shape: 0 });
        await putEndpoints(deps.cluster, { ...target, slice: 0, present: 7, ready: 7 });
      }
    }
    this.lifetime.checkpointed();
    await this.paths?.begin(this.members);
    for (const member of this.members) member.calm();
    await this.clock.advance(10);
  }

  async perform(action: FaultAction | PathAction | UserAction): Promise<void> {
    this.checkLeadership();
    if (isPathAction(action)) return this.paths?.perform(action);
    if (isFault(action)) {
      this.paths?.disturbed();
      return this.#fault(action);
    }
    this.paths?.userActed();
    await performUserAction(this.clusters, action);
  }

  checkLeadership(): void {
    for (const leadership of this.#leaderships.values()) leadership.checkGap();
  }

  /** All faults end. */
  calm(): void {
    this.paths?.calm();
    this.broker.start();
    for (const member of this.members) {
      const { cluster } = member.deps;
      this.broker.heal(cluster.id);
      this.#leaderships.get(cluster)?.disturbed(false);
      member.calm();
    }
  }

  /** Everybody is connected and has heard everything. */
  get isConnected(): boolean {
    return this.members.every(({ term }) => {
      const status = term?.link.status();
      return status?.kind === "connected" && status.synced;
    });
  }

  stop(): void {
    for (const member of this.members) member.stop();
    this.broker.stop();
    this.paths?.stop();
  }

  #fault(action: FaultAction): void {
    if (action.kind === "broker") return this.#brokerFault(action);
    const member = this.members[action.member];
    if (member === undefined) return undefined;
    const { cluster, faults } = member.deps;
    switch (action.kind) {
      case "kube-faults":
        this.#leaderships.get(cluster)?.disturbed(action.errorRate + action.latencyMs > 0);
        faults.level = action;
        return undefined;
      case "cut-watches":
        return member.cutWatches(action.gone ? GONE : RESET);
      case "link":
        return this.#linkFault(cluster, action.what);
      case "restart-controllers":
        if (action.how === "rejoin") return member.rejoin(action.downMs);
        return member.restartControllers(action.replica, action.how, action.downMs);
      case "cut-off":
        return member.cutOff(action.replica, action.forMs);
      case "restart-dns":
        return member.restartDns(action.downMs);
    }
  }

  #brokerFault({ what, hub }: Extract<FaultAction, { readonly kind: "broker" }>): void {
    const replica = hub % this.#script.hubs;
    if (what === "start") return this.broker.start(replica);
    if (what !== "lose-store") {
      this.broker.stop(replica);
      if (what === "restart") this.broker.start(replica);
      return undefined;
    }
    this.broker.loseStore();
    this.#watchStore();
    return undefined;
  }

  #watchStore(): void {
    const { store } = this.broker;
    store.subscribe((owners) => this.#rows.stored(store.table, owners));
  }

  #linkFault({ id }: SimCluster, what: LinkFault): void {
    if (what === "break") this.broker.breakStream(id);
    else if (what === "cut") this.broker.cut(id);
    else if (what === "heal") this.broker.heal(id);
    else if (what === "freeze") this.broker.freezeStream(id);
    else this.broker.abandonStream(id, LINGER_MS);
  }

  #member(index: number): SimMember {
    const { wiring, note, report } = this.#deps;
    const id = parseClusterId(IDS[index] ?? "");
    const draft = this.#script.members[index];
    invariant(id.ok && draft !== undefined, "a script has at most four members", { index });
    const { families, clockSkewMs, replicas } = draft;
    const clusterOptions = {
      id: id.value,
      index,
      clockSkewMs,
      families,
      onChange: (change: Change) => this.#onChange(change),
    };
    const { clock, broker } = this;
    const cluster = new SimCluster(clusterOptions, { clock, random: this.#random(10 + index) });
    const faults = new KubeFaults({
      clock,
      random: this.#random(20 + index),
      note: (text) => note(`${id.value}: ${text}`),
    });
    const history = new AnswerHistory(report);
    const leadership = new Leadership(cluster, { clock, report });
    this.#leaderships.set(cluster, leadership);
    return new SimMember({
      cluster,
      paths: this.paths?.member(cluster),
      families,
      replicas,
      broker,
      faults,
      clock,
      wiring,
      report,
      random: this.#random(30 + index),
      onPerform: (process) => {
        this.#writer = process;
      },
      onProcess: (process) => {
        this.#processes.push(process);
        leadership.reachable(process, true);
      },
      onReachable: (process, isReachable) => leadership.reachable(process, isReachable),
      onStopped: (process, how) => leadership.stopped(process, how),
      onLeading: (process, isLeading) => {
        note(`${process.identity} ${isLeading ? "leads" : "leads no more"}`);
        leadership.leading(process, isLeading);
      },
      onTerm: (_process, term) => this.#follow(cluster, term),
      onPublish: (key, rows) => this.lifetime.rowsPublished(cluster, key, rows),
      onView: (process, services) => history.viewChanged(process, services),
      onZone: (process, changed) => history.zoneChanged(process, changed),
    });
  }

  #follow(cluster: SimCluster, { link }: MemberTerm): void {
    link.subscribe((event) => {
      if (event.kind === "synced") this.#deps.note(`link of ${cluster.id}: synced`);
      if (event.kind !== "service-changed") return;
      const rows = link.foreignRows(event.service);
      const exporters = rows.filter(({ kind }) => kind === "export").map((row) => row.cluster);
      this.#deps.note(`link of ${cluster.id}: ${event.service} from [${exporters.join()}]`);
      this.lifetime.rowsSeen(cluster, event.service, rows);
    });
  }

  /** Requests without latency take no virtual time: who writes without end would stop the clock. */
  #stopLivelock(): void {
    const nowMs = this.clock.monotonicMs();
    if (this.#moment.atMs !== nowMs) this.#moment = { atMs: nowMs, writes: 0 };
    this.#moment.writes += 1;
    if (this.#moment.writes !== WRITES_PER_MOMENT_MAX) return;
    this.#deps.report("I9", `writes without end; last: ${this.#writes.last}`);
    for (const process of this.#processes) process.crash();
  }

  #onChange(change: Change): void {
    if (change.collection === LEASES_COLLECTION) return;
    if (change.author === "controllers" || change.author === "dns") {
      const { all, objects } = this.#writes;
      const last = `${change.author} of ${change.cluster.id}: ${change.collection} ${change.key}`;
      const isEvent = change.collection === EVENTS_COLLECTION;
      this.#writes = { all: all + 1, objects: objects + (isEvent ? 0 : 1), last };
      this.#deps.note(`${last} ${changeText(change)}`);
      this.#stopLivelock();
    }
    const writer = change.author === "controllers" ? this.#writer : undefined;
    if (writer !== undefined && change.collection !== EVENTS_COLLECTION) {
      this.#leaderships.get(change.cluster)?.wrote(change, writer);
    }
    const hasSynced = writer?.term?.link.hasSynced();
    this.#rules.onChange(change, hasSynced);
    this.lifetime.onChange(change);
    this.paths?.onChange(change);
  }

  #globals(): GlobalAllocator {
    return simGlobals({
      clock: this.clock,
      random: this.#random(3),
      wiring: this.#deps.wiring,
      table: () => this.broker.store.table,
    });
  }

  #worldPaths(draft: PathsDraft): WorldPaths {
    const { broker, clock } = this;
    return new WorldPaths(draft, { ...this.#deps, broker, clock, random: this.#random(4) });
  }

  /** Numbers of its own for each user of chance: leaving a step out does not shift everybody's draws. */
  #random(user: number): Random {
    return seededRandom(this.#script.seed * 100 + user);
  }
}

function changeText({ before, after }: Change): string {
  if (before === undefined) return "created";
  if (after === undefined) return "deleted";
  const was = new Map<string, unknown>(Object.entries(before));
  const parts = Object.entries(after).filter(
    ([part, value]) => part !== "metadata" && !isDeepStrictEqual(value, was.get(part)),
  );
  return `changed ${JSON.stringify(Object.fromEntries(parts))}`;
}
