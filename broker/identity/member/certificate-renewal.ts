import type { Result } from "../../../api/result.ts";
import { type BackoffOptions, backoffMs } from "../../../runtime/backoff/backoff.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { deadline } from "../../../runtime/clock/deadline.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Counter, Gauge, Meter } from "../../../runtime/metrics/meter.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { IdentityStore } from "./identity-store.ts";
import {
  type CertificateTimes,
  certificateTimes,
  type MemberIdentity,
  nameOf,
} from "./member-identity.ts";
import type { RenewalFailure } from "./renew-certificate.ts";

export interface CertificateRenewalOptions {
  /** host:port of the brokers, tried in turn. At least one. */
  readonly addresses: readonly [string, ...string[]];
}

interface Deps {
  readonly store: Pick<IdentityStore, "load" | "save">;
  /** One try at one address: renewCertificate. */
  readonly renew: (
    identity: MemberIdentity,
    address: string,
    signal: AbortSignal,
  ) => Promise<Result<MemberIdentity, RenewalFailure>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

const ATTEMPT_MS = 15_000;
const RETRY: BackoffOptions = { firstMs: 6000, maxMs: 600_000 };
/** Looked at this often: long timers overflow, and wall clocks jump. */
const CHECK_MS = 60_000;
/** Part of what is left after two thirds within which a member begins, so that not all come at once. */
const SPREAD = 0.2;

/** What others may do with a renewal. */
export type RenewedIdentity = Pick<CertificateRenewal, "current" | "problem" | "subscribe">;

/**
 * Keeps a member's certificate fresh: asks for a new one, for a new key, after two thirds of its life and some more, drawn
 * per certificate; saves it, and then hands it to whoever connects next. Streams that are open are not touched.
 * Replicas may share the place where it is saved: what another has renewed is taken from there.
 */
export class CertificateRenewal {
  readonly #addresses: readonly string[];
  readonly #deps: Deps;
  readonly #expiry: Gauge;
  readonly #outcomes: Counter;
  #identity: MemberIdentity;
  #dueMs = 0;
  #attempt = 0;
  #isSaved = true;
  /** BOUNDED: by its users, one link. */
  readonly #listeners = new Set<() => void>();

  constructor(identity: MemberIdentity, { addresses }: CertificateRenewalOptions, deps: Deps) {
    this.#addresses = addresses;
    this.#deps = deps;
    this.#identity = identity;
    this.#expiry = deps.meter.gauge({
      name: "isthmus_member_certificate_expiry_timestamp_seconds",
      help: "End of this member's certificate, epoch seconds.",
    });
    this.#outcomes = deps.meter.counter({
      name: "isthmus_member_certificate_renewals_total",
      help: "Tries to renew this member's certificate by outcome: renewed, refused, unreachable or untrusted.",
      labels: ["outcome"],
    });
    this.#take(identity);
  }

  /** As renewed last. */
  current(): MemberIdentity {
    return this.#identity;
  }

  /** What an admin must mend; undefined: nothing. */
  problem(): string | undefined {
    const { expiresAtMs } = certificateTimes(this.#identity);
    if (expiresAtMs > this.#deps.clock.nowMs()) return undefined;
    return `certificate expired at ${new Date(expiresAtMs).toISOString()}: join again with a new token`;
  }

  /** Called after each renewal. Returns the way to stop it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Renews until the signal aborts, or the certificate has expired: then only a new token helps. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    while (!signal.aborted) {
      const problem = this.problem();
      if (problem !== undefined && !(await this.#takeStored())) {
        log.error("certificate expired", { err: problem });
        return;
      }
      const waitMs = this.#dueMs - clock.nowMs();
      if (waitMs > 0) await sleep(clock, Math.min(waitMs, CHECK_MS), signal);
      else if (!(await this.#takeStored())) await this.#tryOnce(signal);
      if (!this.#isSaved) await this.#save();
    }
  }

  /** True: another process has stored a newer certificate of this member. */
  async #takeStored(): Promise<boolean> {
    const stored = await this.#deps.store.load();
    // What is wrong with it, if anything, is told when ours cannot be saved or the process starts again.
    if (!stored.ok || stored.value === undefined) return false;
    const isSame = nameOf(stored.value) === nameOf(this.#identity);
    const isNewer = certificateTimes(stored.value).expiresAtMs > this.#times().expiresAtMs;
    if (!isSame || !isNewer) return false;
    this.#take(stored.value);
    this.#tell("certificate renewed by another process");
    return true;
  }

  async #tryOnce(signal: AbortSignal): Promise<void> {
    const { renew, clock, random, log } = this.#deps;
    const attempt = this.#attempt;
    this.#attempt += 1;
    const address =
      this.#addresses[attempt % this.#addresses.length] ?? this.#identity.brokerAddress;
    using limit = deadline(clock, ATTEMPT_MS, signal);
    const renewed = await renew(this.#identity, address, limit.signal);
    if (signal.aborted) return;
    this.#outcomes.add(1, { outcome: renewed.ok ? "renewed" : renewed.error.kind });
    if (!renewed.ok) {
      this.#dueMs = clock.nowMs() + backoffMs(RETRY, attempt, random);
      const fields = { attempt, err: renewed.error.message };
      if (renewed.error.kind === "unreachable") log.warn("certificate not renewed", fields);
      else log.error("certificate not renewed", fields);
      return;
    }
    this.#take(renewed.value);
    await this.#save();
    this.#tell("certificate renewed");
  }

  #tell(message: string): void {
    const expiresAt = new Date(this.#times().expiresAtMs).toISOString();
    this.#deps.log.info(message, { expiresAt });
    for (const listener of this.#listeners) listener();
  }

  /** It is used even when it cannot be saved: what is on disk is good for a while yet, and saving is tried again. */
  async #save(): Promise<void> {
    const saved = await this.#deps.store.save(this.#identity);
    this.#isSaved = saved.ok;
    if (!saved.ok) this.#deps.log.error("renewed certificate not saved", { err: saved.error });
  }

  #take(identity: MemberIdentity): void {
    this.#identity = identity;
    this.#attempt = 0;
    const { renewAtMs, expiresAtMs } = this.#times();
    this.#dueMs = renewAtMs + (expiresAtMs - renewAtMs) * SPREAD * this.#deps.random.next();
    this.#expiry.set(expiresAtMs / 1000);
  }

  #times(): CertificateTimes {
    return certificateTimes(this.#identity);
  }
}
