import type { OpenHeader } from "../frame/open-header.ts";
import type { PeerCredit } from "./credit-budget.ts";
import { FairShare } from "./fair-share.ts";
import { GROWTH_WITHIN_MS, type SessionLimits } from "./session-limits.ts";
import { type StreamOwner, TunnelStream } from "./tunnel-stream.ts";

/**
 * The streams of one tunnel by number, and the credit that they hold of the process's budget. Services share both: one whose
 * clients open all they can leaves room for the others.
 *
 * BOUNDED: own streams by what the peer allows, the peer's by `streamsMax`, all by the budget.
 */
export class StreamTable {
  readonly #isDialler: boolean;
  readonly #limits: SessionLimits;
  readonly #credit: PeerCredit;
  readonly #streams = new Map<number, TunnelStream>();
  #nextId: number;
  #lastPeerId = 0;
  readonly #peersCount: FairShare;
  #ownCount = new FairShare(0);

  constructor(isDialler: boolean, limits: SessionLimits, credit: PeerCredit) {
    this.#isDialler = isDialler;
    this.#limits = limits;
    this.#credit = credit;
    this.#peersCount = new FairShare(limits.streamsMax);
    this.#nextId = isDialler ? 1 : 2;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** The peer says how many streams we may have open; once, before there is any. */
  allowOwn(streamsMax: number): void {
    this.#ownCount = new FairShare(streamsMax);
  }

  get lastPeerId(): number {
    return this.#lastPeerId;
  }

  /** Numbers are used once: a tunnel that has none left is replaced by another. */
  get hasIds(): boolean {
    return this.#nextId < 0xffff_fff0;
  }

  get(id: number): TunnelStream | undefined {
    return this.#streams.get(id);
  }

  all(): readonly TunnelStream[] {
    return [...this.#streams.values()];
  }

  isOwn(id: number): boolean {
    return (id % 2 === 1) === this.#isDialler;
  }

  /** Open now or before. */
  wasOpen(id: number): boolean {
    return this.isOwn(id) ? id < this.#nextId : id <= this.#lastPeerId && id > 0;
  }

  takeOwnId(): number {
    const id = this.#nextId;
    this.#nextId += 2;
    return id;
  }

  /** False: not a number that the peer may use now. */
  takePeerId(id: number): boolean {
    if (id <= this.#lastPeerId || this.isOwn(id)) return false;
    this.#lastPeerId = id;
    return true;
  }

  /** Undefined: there are as many streams as there may be, or the budget has no room for its first window. */
  add(
    id: number,
    header: OpenHeader,
    given: { owner: StreamOwner; sendCredit: number; nowMs: number },
  ): TunnelStream | undefined {
    const { queueBytes, firstWindowBytes } = this.#limits;
    const stream = new TunnelStream(id, header, {
      ...given,
      queueMaxBytes: queueBytes,
      receiveCredit: firstWindowBytes,
    });
    const service = serviceOf(header);
    const count = (this.isOwn(id) ? this.#ownCount : this.#peersCount).holder(service);
    if (!count.tryTake(1)) return undefined;
    const credit = this.#credit.holder(service);
    if (!stream.isDatagrams && !credit.tryTake(firstWindowBytes)) {
      count.giveBack(1);
      return undefined;
    }
    stream.shares = { count, credit };
    stream.grantedAtMs = given.nowMs;
    this.#streams.set(id, stream);
    return stream;
  }

  remove(stream: TunnelStream): void {
    if (!this.#streams.delete(stream.id)) return;
    stream.shares?.count.giveBack(1);
    if (!stream.isDatagrams) stream.shares?.credit.giveBack(stream.windowBytes);
    stream.drop();
  }

  /**
   * Credit to give now that the reader has consumed `bytes` more; 0: later. It goes out in halves of a window: few
   * frames, and a sender in full flow seldom waits for one. A window that is used up fast is made larger.
   */
  creditFor(stream: TunnelStream, bytes: number, nowMs: number): number {
    if (stream.hasPeerEnded || stream.isDatagrams) return 0;
    stream.toGrantBytes += bytes;
    if (stream.toGrantBytes * 2 < stream.windowBytes) return 0;
    let grant = stream.toGrantBytes;
    const room = this.#limits.windowMaxBytes - stream.windowBytes;
    const growth = Math.min(stream.windowBytes, room);
    const isFast = nowMs - stream.grantedAtMs <= GROWTH_WITHIN_MS;
    const isGrowing = growth > 0 && isFast && this.#credit.isRoomy(growth);
    if (isGrowing && stream.shares?.credit.tryTake(growth) === true) {
      stream.windowBytes += growth;
      grant += growth;
    }
    stream.toGrantBytes = 0;
    stream.grantedAtMs = nowMs;
    stream.receiveCredit += grant;
    return grant;
  }
}

/** Who shares: a name of a service, or where a relay is asked to lead. */
function serviceOf(header: OpenHeader): string {
  return header.kind === "relay" ? `relay ${header.to}` : `${header.namespace}/${header.name}`;
}
