import { silentAudit } from "../../../broker/audit/audit-log.ts";
import { checkLife } from "../../../broker/core/member-life.ts";
import { nextIncarnation } from "../../../broker/identity/member-registry.ts";
import { Revocations, type RevokedRows } from "../../../broker/identity/revocations.ts";
import { TokenBook } from "../../../broker/identity/token/token-book.ts";
import { Hub } from "../../../broker/server/hub.ts";
import { SpaceRecords } from "../../../broker/shared/space-records.ts";
import { RecordedDepartures } from "../../../broker/store/departures/recorded-departures.ts";
import { ReplicatedStore } from "../../../broker/store/replicated/replicated-store.ts";
import { MemorySpace } from "../../../broker/store/space/memory/memory-space.ts";
import type { MemorySpaceServer } from "../../../broker/store/space/memory/memory-space-server.ts";
import type { Store } from "../../../broker/store/store.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { HubWiring } from "./hub-wiring.ts";
import type { AuthorityView, SimAuthority, SimCertificate } from "./sim-authority.ts";
import { SleepySpace } from "./sleepy-space.ts";

export interface HubReplicaDeps {
  readonly rows: MemorySpaceServer;
  readonly records: MemorySpaceServer;
  readonly epoch: string;
  readonly authority: SimAuthority;
  readonly clock: Clock;
  readonly random: Random;
  readonly wiring: HubWiring;
}

/** A log is folded so early that scripts see it happen. */
const TAIL_ENTRIES = 4;
const TOMBSTONES_MAX = 3;

/** One life of one broker process: hub, store and identity over spaces that all replicas share. */
export class HubReplica {
  readonly hub: Hub;
  readonly authorities: AuthorityView;
  readonly #deps: HubReplicaDeps;
  readonly #memory: MemorySpace;
  readonly #space: SleepySpace;
  readonly #real: ReplicatedStore;
  readonly #store: Store;
  readonly #revocations: Revocations;
  #isReady = false;
  #isOver = false;

  constructor(name: string, deps: HubReplicaDeps) {
    this.#deps = deps;
    const { clock, random, wiring, epoch } = deps;
    this.#memory = new MemorySpace(deps.rows);
    // Mostly quick, now and then slow.
    const latencyMs = (): number => (random.next() < 0.05 ? 400 : 4) * random.next();
    this.#space = new SleepySpace(this.#memory, { clock, latencyMs });
    const records = new SpaceRecords(new MemorySpace(deps.records));
    const space = wiring.space?.(this.#space) ?? this.#space;
    const options = {
      epoch,
      replica: name,
      tailEntries: TAIL_ENTRIES,
      tombstonesMax: TOMBSTONES_MAX,
    };
    const departures = new RecordedDepartures(records);
    const storeDeps = { space, departures, clock, random, log: silentLogger };
    this.#real = new ReplicatedStore(options, storeDeps);
    const store = wiring.store?.(this.#real) ?? this.#real;
    this.#store = store;
    this.hub = new Hub(
      { clusterset: "sim" },
      { store, clock, log: silentLogger, meter: silentMeter },
    );
    const tokens = new TokenBook(records);
    this.#revocations = new Revocations({ records, store, tokens, clock, audit: silentAudit });
    this.authorities = deps.authority.view();
  }

  /** Listens once its store is there. */
  async start(): Promise<void> {
    const synced = await this.#real.synced();
    if (!synced.ok || this.#isOver) return;
    const restored = await this.#revocations.restore();
    if (!restored.ok || this.#isOver) return;
    this.hub.start();
    this.#isReady = true;
  }

  /** Takes connections. */
  get isReady(): boolean {
    return this.#isReady && !this.#isOver;
  }

  get store(): Store {
    return this.#real;
  }

  /** The process is gone: nothing that it had under way goes on. */
  crash(): void {
    this.#isOver = true;
    this.hub.stop();
    void this.#space.close();
    void this.#real.close();
  }

  stop(): void {
    this.#isOver = true;
    this.hub.stop();
    void this.#real.close();
  }

  cut(): void {
    this.#memory.cut();
  }

  mend(): void {
    this.#memory.mend();
  }

  loseAnswer(): void {
    this.#memory.lostAnswers = 1;
  }

  sleepFor(forMs: number): void {
    this.#space.sleepFor(forMs);
  }

  wake(): void {
    this.#space.wake();
  }

  /** As MemberRenewals: of a life that is not over, stored before it is handed out. Undefined: refused, or the store fails. */
  async renew({ cluster, incarnation }: SimCertificate): Promise<SimCertificate | undefined> {
    if (!checkLife(this.#store.table, { cluster, incarnation }).ok) return undefined;
    return this.#issue(cluster, incarnation);
  }

  /** As with a token of an admin, who lets a cluster in even though it is a member. Undefined: the store fails. */
  async join(cluster: SimCertificate["cluster"]): Promise<SimCertificate | undefined> {
    const incarnation = nextIncarnation(this.#store, cluster, this.#deps.clock.nowMs());
    return this.#issue(cluster, incarnation);
  }

  /** Which life; durable. Undefined: it may have happened or not. */
  async revoke(cluster: SimCertificate["cluster"], rows: RevokedRows): Promise<number | undefined> {
    const meant = this.#deps.wiring.revokedRows?.(rows) ?? rows;
    const revoked = await this.#revocations.revoke(cluster, meant);
    return revoked.ok ? revoked.value.incarnation : undefined;
  }

  async #issue(
    cluster: SimCertificate["cluster"],
    incarnation: number,
  ): Promise<SimCertificate | undefined> {
    const { authority, clock } = this.#deps;
    const certificate = authority.issue(this.authorities, cluster, incarnation);
    const known = this.#store.table.member(cluster);
    const stored = await this.#store.putMember({
      cluster,
      incarnation,
      joinedAtMs: known?.incarnation === incarnation ? known.joinedAtMs : clock.nowMs(),
      certificateSerial: certificate.serial,
      certificateExpiresAtMs: certificate.expiresAtMs,
    });
    return stored.ok ? certificate : undefined;
  }
}
