import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { AuditLog } from "../../audit/audit-log.ts";
import type { SharedRecords } from "../../shared/shared-records.ts";
import type { Authorities } from "./authorities.ts";
import { AUTHORITY_KEY, formatAuthorityRecord } from "./authority-record.ts";
import { type CertificateAuthority, createAuthorityMaterial } from "./certificate-authority.ts";
import { findOrCreate, type OpenedRecord, openRecord } from "./opened-record.ts";
import {
  nextPhaseMs,
  phaseAt,
  planRotation,
  type Rotation,
  type RotationNeeds,
} from "./rotation.ts";

export interface AuthorityKeeperOptions {
  /** How often the shared record is looked at for what another replica has changed. @default 10 s */
  readonly pollMs?: number;
}

interface Deps {
  readonly records: SharedRecords;
  readonly clock: Clock;
  readonly log: Logger;
  readonly audit: AuditLog;
}

const POLL_MS = 10_000;

/**
 * The clusterset's authorities, in a record that all replicas share: created by whoever is first, rotated by whoever is
 * asked. Which one signs follows from the record and the time alone, so replicas need not talk to each other.
 */
export class AuthorityKeeper implements Authorities {
  readonly #pollMs: number;
  readonly #deps: Deps;
  #kept: OpenedRecord;
  #told: string;
  #timer: Timer | undefined;
  /** BOUNDED: by its users, a few per process. */
  readonly #listeners = new Set<() => void>();

  private constructor(
    { pollMs = POLL_MS }: AuthorityKeeperOptions,
    deps: Deps,
    kept: OpenedRecord,
  ) {
    this.#pollMs = pollMs;
    this.#deps = deps;
    this.#kept = kept;
    this.#told = this.#stance();
  }

  /** Makes the authority on first use. Error: the record is damaged, and left as it is, or another clusterset's. */
  static async open(
    clusterset: string,
    options: AuthorityKeeperOptions,
    deps: Deps,
  ): Promise<Result<AuthorityKeeper, string>> {
    const found = await findOrCreate(clusterset, deps);
    if (!found.ok) return found;
    const kept = await openRecord(found.value, deps.clock);
    if (!kept.ok) return kept;
    const seen = kept.value.current.clusterset;
    return seen === clusterset
      ? ok(new AuthorityKeeper(options, deps, kept.value))
      : err(`cannot open authority: must belong to clusterset ${clusterset}: got ${seen}`);
  }

  /** Of a place that a broker has been started on; undefined: none has. */
  static async find(
    options: AuthorityKeeperOptions,
    deps: Deps,
  ): Promise<Result<AuthorityKeeper | undefined, string>> {
    const found = await deps.records.read(AUTHORITY_KEY);
    if (!found.ok) return found;
    if (found.value === undefined) return ok(undefined);
    const kept = await openRecord(found.value, deps.clock);
    return kept.ok ? ok(new AuthorityKeeper(options, deps, kept.value)) : kept;
  }

  /** Follows time and other replicas until the signal aborts. */
  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    signal.addEventListener("abort", () => this.#timer?.cancel(), { once: true });
    this.#schedule(signal);
  }

  get clusterset(): string {
    return this.#kept.current.clusterset;
  }

  get signing(): CertificateAuthority {
    const { current, next } = this.#kept;
    return this.#phase() === "switched" || this.#phase() === "over" ? (next ?? current) : current;
  }

  get trusted(): readonly CertificateAuthority[] {
    const { current, next } = this.#kept;
    if (next === undefined) return [current];
    if (this.#phase() === "over") return [next];
    return this.#phase() === "switched" ? [next, current] : [current, next];
  }

  /** Both while the first still signs: a token made then may be redeemed after the second has taken over. */
  get tokenPins(): readonly string[] {
    const isSpreading = this.#phase() === "spreading";
    return (isSpreading ? this.trusted : [this.signing]).map(({ fingerprint }) => fingerprint);
  }

  /** The rotation under way; undefined: none. */
  get rotation(): Rotation | undefined {
    return this.#phase() === "over" ? undefined : this.#kept.record.rotation;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Begins a rotation. Error: one is under way, or the record could not be written. */
  async rotate(needs: RotationNeeds): Promise<Result<Rotation, string>> {
    const { clock, records, audit } = this.#deps;
    const looked = await this.look();
    if (!looked.ok) return looked;
    const under = this.rotation;
    if (under !== undefined) {
      const until = new Date(under.retireAtMs).toISOString();
      return err(
        `cannot rotate authority: one rotation at a time: the present one ends at ${until}`,
      );
    }
    const made = await createAuthorityMaterial(this.clusterset, clock);
    if (!made.ok) return made;
    const times = planRotation(clock.nowMs(), needs);
    const current = this.#kept.record.current;
    const rotation = { ...times, next: made.value };
    const text = formatAuthorityRecord({ current, rotation });
    const written = await records.replace(AUTHORITY_KEY, text, this.#kept.revision);
    if (!written.ok) return written;
    const seen = await this.look();
    if (!seen.ok) return seen;
    if (!written.value) return err("cannot rotate authority: another replica changed it meanwhile");
    audit.record({
      kind: "rotation-started",
      authority: this.#kept.next?.fingerprint ?? "",
      switchAt: new Date(times.switchAtMs).toISOString(),
      retireAt: new Date(times.retireAtMs).toISOString(),
    });
    return ok(times);
  }

  /** Reads the record now, and tells the listeners when that, or the time, has changed anything. */
  async look(): Promise<Result<void, string>> {
    const { records, clock } = this.#deps;
    const found = await records.read(AUTHORITY_KEY);
    if (!found.ok) return found;
    if (found.value === undefined)
      return err("cannot open authority: its record must stay: it is gone");
    if (found.value.revision !== this.#kept.revision) {
      const kept = await openRecord(found.value, clock);
      if (!kept.ok) return kept;
      this.#kept = kept.value;
    }
    this.#tell();
    return this.#phase() === "over" ? this.#retire() : ok(undefined);
  }

  #phase(): ReturnType<typeof phaseAt> | "steady" {
    const { rotation } = this.#kept.record;
    return rotation === undefined ? "steady" : phaseAt(rotation, this.#deps.clock.nowMs());
  }

  /** The old key is needed no more: it is forgotten. Whoever of the replicas is first writes. */
  async #retire(): Promise<Result<void, string>> {
    const { records, audit } = this.#deps;
    const { revision, record, current } = this.#kept;
    if (record.rotation === undefined) return ok(undefined);
    const text = formatAuthorityRecord({ current: record.rotation.next });
    const written = await records.replace(AUTHORITY_KEY, text, revision);
    if (!written.ok) return written;
    if (written.value) audit.record({ kind: "authority-retired", authority: current.fingerprint });
    return this.look();
  }

  #stance(): string {
    return [this.signing, ...this.trusted].map(({ fingerprint }) => fingerprint).join();
  }

  #tell(): void {
    const stance = this.#stance();
    if (stance === this.#told) return;
    this.#told = stance;
    const signing = this.signing.fingerprint;
    this.#deps.log.info("authorities changed", { signing, trusted: this.trusted.length });
    for (const listener of this.#listeners) listener();
  }

  #schedule(signal: AbortSignal): void {
    const { clock } = this.#deps;
    const { rotation } = this.#kept.record;
    const nowMs = clock.nowMs();
    const nextMs = rotation === undefined ? undefined : nextPhaseMs(rotation, nowMs);
    const delayMs = Math.max(
      1,
      Math.min(this.#pollMs, (nextMs ?? Number.POSITIVE_INFINITY) - nowMs),
    );
    this.#timer = clock.setTimer(Math.ceil(delayMs), () => void this.#lookAndSchedule(signal));
  }

  async #lookAndSchedule(signal: AbortSignal): Promise<void> {
    const looked = await this.look();
    if (!looked.ok) this.#deps.log.error("authority not read", { err: looked.error });
    if (!signal.aborted) this.#schedule(signal);
  }
}
