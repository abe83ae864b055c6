import type { ClusterId } from "../../../api/cluster-id.ts";
import {
  planRotation,
  type Rotation,
  phaseAt as realPhaseAt,
} from "../../../broker/identity/authority/rotation.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";

/** A certificate without cryptography: what it says, and what came with it. */
export interface SimCertificate {
  readonly cluster: ClusterId;
  readonly incarnation: number;
  readonly serial: string;
  /** Number of the authority that signed it. */
  readonly authority: number;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** Authorities that its owner trusts since then. */
  readonly bundle: readonly number[];
}

interface AuthorityRecord {
  readonly current: number;
  readonly rotation?: Rotation;
}

/** So short that rotations fit into scripts. */
export const LIFE_MS = 300_000;
/** As AuthorityKeeper looks at the shared record. */
const POLL_MS = 10_000;

/** The clusterset's authorities as AuthorityKeeper keeps them, the real rotation's times and phases, by number. */
export class SimAuthority {
  readonly #clock: Clock;
  readonly #phaseAt: typeof realPhaseAt;
  #record: AuthorityRecord = { current: 1 };
  #serial = 0;
  /** BOUNDED: by the certificates of a run. */
  #lastExpiryMs = 0;

  constructor(clock: Clock, phaseAt: typeof realPhaseAt = realPhaseAt) {
    this.#clock = clock;
    this.#phaseAt = phaseAt;
  }

  get record(): AuthorityRecord {
    return this.#record;
  }

  /** When the rotation under way ends; undefined: none is. */
  get retireAtMs(): number | undefined {
    const { rotation } = this.#record;
    return rotation !== undefined && this.#clock.nowMs() < rotation.retireAtMs
      ? rotation.retireAtMs
      : undefined;
  }

  /** One at a time. */
  rotate(): void {
    if (this.retireAtMs !== undefined) return;
    const { current, rotation } = this.#record;
    const nowMs = this.#clock.nowMs();
    const needs = {
      certificateLifeMs: LIFE_MS,
      lastCertificateMs: this.#lastExpiryMs,
      lastTokenMs: nowMs,
    };
    const before = rotation === undefined ? current : current + 1;
    this.#record = { current: before, rotation: planRotation(nowMs, needs) };
  }

  view(): AuthorityView {
    return new AuthorityView(this, this.#clock, this.#phaseAt);
  }

  /** By a replica, of whose view it carries the marks. */
  issue(view: AuthorityView, cluster: ClusterId, incarnation: number): SimCertificate {
    this.#serial += 1;
    const issuedAtMs = this.#clock.nowMs();
    const expiresAtMs = issuedAtMs + LIFE_MS;
    this.#lastExpiryMs = expiresAtMs;
    return {
      cluster,
      incarnation,
      serial: String(this.#serial),
      authority: view.signing,
      issuedAtMs,
      expiresAtMs,
      bundle: view.trusted,
    };
  }
}

/** What one replica knows of the authorities: the record as it was at its last look, and the time. */
export class AuthorityView {
  readonly #authority: SimAuthority;
  readonly #clock: Clock;
  readonly #phaseAt: typeof realPhaseAt;
  #seen: AuthorityRecord;
  #seenMs: number;

  constructor(authority: SimAuthority, clock: Clock, phaseAt: typeof realPhaseAt) {
    this.#authority = authority;
    this.#clock = clock;
    this.#phaseAt = phaseAt;
    this.#seen = authority.record;
    this.#seenMs = clock.monotonicMs();
  }

  /** It asked for the change itself. */
  look(): void {
    this.#seen = this.#authority.record;
    this.#seenMs = this.#clock.monotonicMs();
  }

  get signing(): number {
    const { current, phase } = this.#now();
    return phase === "switched" || phase === "over" ? current + 1 : current;
  }

  get trusted(): readonly number[] {
    const { current, phase } = this.#now();
    if (phase === undefined) return [current];
    return phase === "over" ? [current + 1] : [current, current + 1];
  }

  #now(): { readonly current: number; readonly phase: ReturnType<typeof realPhaseAt> | undefined } {
    if (this.#clock.monotonicMs() - this.#seenMs >= POLL_MS) this.look();
    const { current, rotation } = this.#seen;
    if (rotation === undefined) return { current, phase: undefined };
    return { current, phase: this.#phaseAt(rotation, this.#clock.nowMs()) };
  }
}
