import type { RowKey } from "../../../api/broker/row.ts";
import { type ClusterId, parseClusterId } from "../../../api/cluster-id.ts";
import { invariant } from "../../../api/invariant.ts";
import { MemoryStream } from "../../../broker/client/memory/memory-stream.ts";
import type { StreamHandlers, SyncStream } from "../../../broker/client/sync-transport.ts";
import type { RevokedRows } from "../../../broker/identity/revocations.ts";
import { META_NAME } from "../../../broker/store/replicated/item-names.ts";
import { encodeMeta } from "../../../broker/store/replicated/store-meta.ts";
import { MemorySpaceServer } from "../../../broker/store/space/memory/memory-space-server.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import type { Report } from "../check/violation.ts";
import { HubMember, type HubMemberWorld } from "./hub-member.ts";
import { HubReplica } from "./hub-replica.ts";
import type { HubAction, HubScript } from "./hub-script.ts";
import type { HubWiring } from "./hub-wiring.ts";
import { Promises } from "./promises.ts";
import { SimAuthority, type SimCertificate } from "./sim-authority.ts";

export interface HubWorldDeps {
  readonly wiring: HubWiring;
  readonly report: Report;
  readonly note: (text: string) => void;
}

/** What became of a cluster id by an admin's word. */
interface Revoked {
  readonly incarnation: number;
  readonly rows: RevokedRows;
  /** The rows that stay when they are frozen: what the store held when it became durable. */
  readonly kept: ReadonlyMap<RowKey, number>;
  /** False: it had not said yet that these are all, so others go on to show what its earlier life had (I4). */
  readonly isWhole: boolean;
}

const IDS = ["east", "north", "west"];
const EPOCH = "epoch-1";
const LINGER_MS = 4_000;

/** Wall time comes in whole milliseconds, as records keep it. */
class WholeClock extends VirtualClock {
  override nowMs(): number {
    return Math.floor(super.nowMs());
  }
}

/** Replicas of a hub over one space, members that move between them, and their certificates; one virtual clock. */
export class HubWorld implements HubMemberWorld {
  readonly clock = new WholeClock();
  readonly members: readonly HubMember[];
  readonly authority: SimAuthority;
  readonly #script: HubScript;
  readonly #deps: HubWorldDeps;
  readonly #promises: Promises;
  readonly #rows = new MemorySpaceServer();
  readonly #records = new MemorySpaceServer();
  /** Undefined while it is down. BOUNDED: by the script. */
  readonly #replicas: (HubReplica | undefined)[];
  readonly #cut = new Set<ClusterId>();
  readonly #streams = new Set<MemoryStream>();
  readonly #revoked = new Map<ClusterId, Revoked>();
  readonly #latency: Random;
  /** Of which no answer has come: it may have happened. BOUNDED: by the members. */
  readonly #unsure = new Map<ClusterId, Pick<Revoked, "incarnation" | "rows">>();
  #lives = 0;
  #versions = 0;
  #next = 0;

  constructor(script: HubScript, deps: HubWorldDeps) {
    this.#script = script;
    this.#deps = deps;
    this.#latency = this.#random(1);
    this.#promises = new Promises(this.clock, deps.report);
    this.authority = new SimAuthority(this.clock, deps.wiring.phaseAt);
    this.#rows.create({ name: META_NAME, data: encodeMeta({ epoch: EPOCH }) });
    this.#replicas = Array.from({ length: script.replicas }, () => undefined);
    this.members = Array.from({ length: script.members }, (_, index) => {
      const id = parseClusterId(IDS[index] ?? "");
      invariant(id.ok, "a hub's script has at most three members");
      const { wiring } = deps;
      const random = this.#random(10 + index);
      return new HubMember(id.value, { world: this, clock: this.clock, random, wiring });
    });
  }

  get replicas(): readonly HubReplica[] {
    return this.#replicas.flatMap((replica) => replica ?? []);
  }

  /** Undefined: the present life of it is not revoked. */
  revoked({ cluster, certificate }: HubMember): Revoked | undefined {
    const revoked = this.#revoked.get(cluster);
    return revoked?.incarnation === certificate?.incarnation ? revoked : undefined;
  }

  async begin(): Promise<void> {
    this.calm();
    await this.clock.advance(1_000);
    for (const member of this.members) {
      member.setRow(0, this.#version());
      void this.#join(member);
    }
    await this.clock.advance(1_000);
  }

  perform(action: Exclude<HubAction, { readonly kind: "checkpoint" }>): void {
    if ("member" in action) {
      const member = this.members[action.member];
      if (member !== undefined) this.#performOn(member, action);
      return;
    }
    const replica = this.#replicas[action.replica];
    if (action.kind === "replica") this.#process(action.replica, action.what);
    else if (action.kind === "cut-space") replica?.cut();
    else if (action.kind === "mend-space") replica?.mend();
    else if (action.kind === "lose-answer") replica?.loseAnswer();
    else if (action.kind === "sleep") replica?.sleepFor(action.forMs);
    else if (replica?.isReady === true) {
      this.authority.rotate();
      replica.authorities.look();
    }
  }

  /** All faults end. */
  calm(): void {
    this.#cut.clear();
    for (let index = 0; index < this.#replicas.length; index += 1) this.#process(index, "start");
    for (const replica of this.replicas) {
      replica.mend();
      replica.wake();
    }
  }

  /** An admin who got no answer asks again; who has no valid certificate and is not revoked joins again. */
  settleAdmin(): void {
    for (const member of this.members) {
      const unsure = this.#unsure.get(member.cluster);
      if (unsure?.incarnation !== member.certificate?.incarnation) continue;
      if (unsure !== undefined) void this.#revoke(member, 0, unsure.rows, true);
    }

    for (const member of this.members) {
      const { certificate } = member;
      const isExpired = (certificate?.expiresAtMs ?? 0) <= this.clock.nowMs();
      // A join whose answer was lost has ended its earlier life all the same.
      const isOver = isExpired || member.link?.status().kind === "rejected";
      if (isOver && this.revoked(member) === undefined) void this.#join(member);
    }
  }

  stop(): void {
    for (const member of this.members) member.end();
    for (const index of this.#replicas.keys()) this.#process(index, "crash");
  }

  open(member: HubMember, certificate: SimCertificate, handlers: StreamHandlers): SyncStream {
    const index = this.#next++ % this.#replicas.length;
    const replica = this.#cut.has(member.cluster) ? undefined : this.#replicas[index];
    const isReady = replica?.isReady === true;
    const isTrusted = isReady && this.#handshake(replica, certificate);
    const { cluster, incarnation, serial, expiresAtMs } = certificate;
    const peer = {
      cluster,
      incarnation,
      certificateSerial: serial,
      certificateExpiresAtMs: expiresAtMs,
    };
    return new MemoryStream(
      { peer, replica: index },
      isTrusted ? replica.hub : undefined,
      handlers,
      {
        clock: this.clock,
        latencyMs: () => (this.#latency.next() < 0.05 ? 500 : 5) * this.#latency.next(),
        open: this.#streams,
      },
    );
  }

  async renew(member: HubMember, certificate: SimCertificate): Promise<SimCertificate | undefined> {
    const replica = this.#replicas[this.#next++ % this.#replicas.length];
    if (this.#cut.has(member.cluster) || replica?.isReady !== true) return undefined;
    return this.#handshake(replica, certificate) ? replica.renew(certificate) : undefined;
  }

  heard(_: HubMember, ...said: Parameters<Promises["heard"]>): void {
    this.#promises.heard(...said);
  }

  said(_: HubMember, ...said: Parameters<Promises["said"]>): void {
    this.#promises.said(...said);
  }

  /** As TLS would: both must hold a certificate of an authority that the other trusts. With valid ones they always do. */
  #handshake(replica: HubReplica, certificate: SimCertificate): boolean {
    const { cluster, authority, bundle, expiresAtMs } = certificate;
    if (expiresAtMs <= this.clock.nowMs()) return false;
    const { trusted, signing } = replica.authorities;
    const isTrusted = trusted.includes(authority) && bundle.includes(signing);
    if (!isTrusted) {
      const facts = `certificate of ${authority}, trusts ${bundle.join()}`;
      this.#deps.report(
        "rotation",
        `${cluster} (${facts}) is not let in by a replica of ${signing} that trusts ${trusted.join()}`,
      );
    }
    return isTrusted;
  }

  #performOn(member: HubMember, action: Extract<HubAction, { readonly member: number }>): void {
    if (action.kind === "set-row") member.setRow(action.row, this.#version());
    else if (action.kind === "drop-row") member.dropRow(action.row);
    else if (action.kind === "restart-member") member.restart();
    else if (action.kind === "rejoin") void this.#join(member);
    else if (action.kind === "link") this.#link(member.cluster, action.what);
    else if (action.kind === "revoke") void this.#revoke(member, action.replica, action.rows);
  }

  #link(cluster: ClusterId, what: Extract<HubAction, { kind: "link" }>["what"]): void {
    if (what === "heal") this.#cut.delete(cluster);
    if (what === "cut") this.#cut.add(cluster);
    for (const stream of this.#streams) {
      if (stream.cluster !== cluster || what === "heal") continue;
      if (what === "freeze") stream.freeze();
      else if (what === "abandon") stream.abandon(LINGER_MS);
      else stream.lose("connection reset");
    }
  }

  #process(index: number, what: "crash" | "stop" | "start"): void {
    const running = this.#replicas[index];
    if (what === "start") {
      if (running === undefined) this.#startReplica(index);
      return;
    }
    if (running === undefined) return;
    this.#replicas[index] = undefined;
    if (what === "crash") running.crash();
    else running.stop();
    for (const stream of this.#streams) {
      if (stream.replica === index) stream.lose("broker is down");
    }
  }

  #startReplica(index: number): void {
    this.#lives += 1;
    const replica = new HubReplica(`r${index}-${this.#lives}`, {
      rows: this.#rows,
      records: this.#records,
      epoch: EPOCH,
      authority: this.authority,
      clock: this.clock,
      random: this.#random(100 + this.#lives),
      wiring: this.#deps.wiring,
    });
    this.#replicas[index] = replica;
    void replica.start();
  }

  /** With a new token, over whichever replica answers. */
  async #join(member: HubMember): Promise<void> {
    const { cluster, certificate } = member;
    // Its earlier life ends with it, and others are told so.
    if (certificate !== undefined) this.#promises.mayGo(cluster);
    const ready = this.replicas.filter(({ isReady }) => isReady);
    for (const replica of ready) {
      const joined = await replica.join(cluster);
      if (joined === undefined) continue;
      member.begin(joined);
      return;
    }
  }

  async #revoke(
    member: HubMember,
    index: number,
    rows: RevokedRows,
    isAgain = false,
  ): Promise<void> {
    const { cluster, certificate } = member;
    const replica = this.#replicas[index % this.#replicas.length];
    if (replica?.isReady !== true || certificate === undefined) return;
    const { incarnation } = certificate;
    if (this.revoked(member) !== undefined) return;
    // One at a time: of two at once nobody can say which comes first.
    if (!isAgain && this.#unsure.get(cluster)?.incarnation === incarnation) return;
    if (rows === "withdraw") this.#promises.mayGo(cluster);
    this.#unsure.set(cluster, { incarnation, rows });
    const revoked = await replica.revoke(cluster, rows);
    if (revoked === undefined) return;
    this.#unsure.delete(cluster);
    const held = replica.store.table.owner(cluster);
    this.#promises.revoked(cluster, revoked);
    const kept = new Map([...(held?.rows() ?? [])].map(([key, row]) => [key, row.sequence]));
    const isWhole = held?.isComplete === true;
    this.#revoked.set(cluster, { incarnation: revoked, rows, kept, isWhole });
    this.#deps.note(`${cluster} ${revoked} is revoked: ${rows}`);
  }

  #version(): number {
    this.#versions += 1;
    return this.#versions;
  }

  #random(user: number): Random {
    return seededRandom(this.#script.seed * 1_000 + user);
  }
}
