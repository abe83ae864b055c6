import type { BrokerMessage, MemberMessage } from "../../../api/broker/broker.gen.ts";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { unpackBatch } from "../../../broker/wire/batch.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { Report } from "../check/violation.ts";
import type { SimCertificate } from "./sim-authority.ts";

interface Version {
  readonly incarnation: number;
  readonly sequence: number;
}

/** Three silent heartbeats, after which a stream that outlived its certificate must have ended. */
const EXPIRY_GRACE_MS = 16_000;

/**
 * What the hub promises, checked at each message that a member hears, whichever replica says it:
 * acknowledged: what was acknowledged to a life is known wherever its next stream begins.
 * backwards: nobody is shown an older state of an owner than it was shown before.
 * revoked: nothing that a life writes after it was revoked is acknowledged.
 * withdrawn: nobody is told that an owner is gone that has neither left nor been revoked.
 * expired: a stream does not outlive its certificate.
 */
export class Promises {
  readonly #clock: Clock;
  readonly #report: Report;
  /** Highest acknowledged sequence of `cluster incarnation`. BOUNDED, as what follows: by the lives of a script. */
  readonly #acknowledged = new Map<string, number>();
  /** What was acknowledged when the last Hello was said. */
  readonly #atHello = new Map<string, number>();
  /** When each write that is not acknowledged was said. BOUNDED: by the writes of a script. */
  readonly #saidMs = new Map<string, Map<number, number>>();
  readonly #revokedMs = new Map<string, number>();
  /** Of whom others may be told that they are gone. */
  readonly #mayGo = new Set<ClusterId>();
  /** `reader owner`. */
  readonly #shown = new Map<string, Version>();

  constructor(clock: Clock, report: Report) {
    this.#clock = clock;
    this.#report = report;
  }

  /** It is about to be revoked, its rows to be withdrawn, or to begin another life. */
  mayGo(cluster: ClusterId): void {
    this.#mayGo.add(cluster);
  }

  /** It is durable. */
  revoked(cluster: ClusterId, incarnation: number): void {
    this.#revokedMs.set(`${cluster} ${incarnation}`, this.#clock.monotonicMs());
  }

  said({ cluster, incarnation }: SimCertificate, { message }: MemberMessage): void {
    const life = `${cluster} ${incarnation}`;
    if (message?.$case === "hello") {
      this.#atHello.set(life, this.#acknowledged.get(life) ?? 0);
      this.#saidMs.delete(life);
    }
    if (message?.$case !== "put" && message?.$case !== "delete") return;
    const said = this.#saidMs.get(life) ?? new Map<number, number>();
    said.set(message.value.sequence, this.#clock.monotonicMs());
    this.#saidMs.set(life, said);
  }

  heard(certificate: SimCertificate, message: BrokerMessage): void {
    const said = message.message;
    if (said?.$case === "batch") {
      const unpacked = unpackBatch(said.value);
      if (!unpacked.ok) this.#report("bug", `a batch cannot be unpacked: ${unpacked.error}`);
      else for (const single of unpacked.value) if (single) this.#hear(certificate, single);
    } else if (said !== undefined) this.#hear(certificate, said);
  }

  #hear(
    { cluster, incarnation, expiresAtMs }: SimCertificate,
    message: NonNullable<BrokerMessage["message"]>,
  ): void {
    const life = `${cluster} ${incarnation}`;
    const overMs = this.#clock.nowMs() - expiresAtMs;
    if (overMs > EXPIRY_GRACE_MS) {
      this.#report("expired", `${life} hears ${message.$case} ${overMs} ms after its certificate`);
    }
    if (message.$case === "welcome") {
      const atLeast = this.#atHello.get(life) ?? 0;
      const { sequence } = message.value;
      if (sequence < atLeast) {
        this.#report(
          "acknowledged",
          `${life} was acknowledged ${atLeast}: welcome says ${sequence}`,
        );
      }
    } else if (message.$case === "stored") this.#stored(life, message.value.sequence);
    else if (message.$case === "ownerComplete") this.#show(cluster, message.value.version);
    else if (message.$case === "ownerGone") this.#gone(cluster, message.value.clusterId);
  }

  #stored(life: string, sequence: number): void {
    this.#acknowledged.set(life, Math.max(sequence, this.#acknowledged.get(life) ?? 0));
    const revokedMs = this.#revokedMs.get(life) ?? Number.POSITIVE_INFINITY;
    for (const [one, saidMs] of this.#saidMs.get(life) ?? []) {
      if (one > sequence) continue;
      this.#saidMs.get(life)?.delete(one);
      if (saidMs <= revokedMs) continue;
      this.#report("revoked", `${life} wrote ${one} after it was revoked, and was acknowledged`);
    }
  }

  #show(
    reader: ClusterId,
    version: { clusterId: string; incarnation: number; sequence: number } | undefined,
  ): void {
    if (version === undefined) return;
    const { clusterId, incarnation, sequence } = version;
    const key = `${reader} ${clusterId}`;
    const before = this.#shown.get(key);
    this.#shown.set(key, { incarnation, sequence });
    if (before === undefined || incarnation > before.incarnation) return;
    if (incarnation === before.incarnation && sequence >= before.sequence) return;
    const was = `${before.incarnation} ${before.sequence}`;
    this.#report(
      "backwards",
      `${reader} was shown ${clusterId} at ${was}, now at ${incarnation} ${sequence}`,
    );
  }

  #gone(reader: ClusterId, owner: string): void {
    this.#shown.delete(`${reader} ${owner}`);
    if (this.#mayGo.has(owner as ClusterId)) return;
    this.#report("withdrawn", `${reader} is told that ${owner} is gone, which nobody has revoked`);
  }
}
