import type { BrokerMessage, MemberMessage } from "../../../api/broker/broker.gen.ts";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { invariant } from "../../../api/invariant.ts";
import { type ServiceKey, serviceKey } from "../../../api/service-key.ts";
import { MemberLink } from "../../../broker/client/member-link.ts";
import type { StreamHandlers, SyncStream } from "../../../broker/client/sync-transport.ts";
import {
  CLOCK_SKEW_MS,
  renewalDueMs,
} from "../../../broker/identity/authority/certificate-life.ts";
import { anExportRow } from "../../../broker/wire/test-rows.ts";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { HubWiring } from "./hub-wiring.ts";
import type { SimCertificate } from "./sim-authority.ts";

/** What a member needs of the world: a way to a replica, and what is watched. */
export interface HubMemberWorld {
  /** A stream to some replica; what it says and hears passes by the member. */
  open(member: HubMember, certificate: SimCertificate, handlers: StreamHandlers): SyncStream;
  /** Asks some replica for a newer certificate. Undefined: none would or could. */
  renew(member: HubMember, certificate: SimCertificate): Promise<SimCertificate | undefined>;
  heard(member: HubMember, certificate: SimCertificate, message: BrokerMessage): void;
  said(member: HubMember, certificate: SimCertificate, message: MemberMessage): void;
}

interface Deps {
  readonly world: HubMemberWorld;
  readonly clock: Clock;
  readonly random: Random;
  readonly wiring: HubWiring;
}

export const NAMESPACE = "shop";
const RENEW_AGAIN_MS = 6_000;
/** As the product moves its stream to a renewed certificate. */
const REOPEN_MS = 30_000;

/** One member: the real link, rows of its own, and a certificate that is renewed in time. */
export class HubMember {
  readonly cluster: ClusterId;
  readonly #deps: Deps;
  #certificate: SimCertificate | undefined;
  /** What streams are opened with. */
  #shown: SimCertificate | undefined;
  #link: MemberLink | undefined;
  #stop = new AbortController();
  #timer: Timer | undefined;
  /** Its rows as it wants them: row number to version. BOUNDED: by ROWS. */
  readonly rows = new Map<number, number>();

  constructor(cluster: ClusterId, deps: Deps) {
    this.cluster = cluster;
    this.#deps = deps;
  }

  get certificate(): SimCertificate | undefined {
    return this.#certificate;
  }

  get link(): MemberLink | undefined {
    return this.#link;
  }

  /** Another life, or the first: with a certificate that a join gave. */
  begin(certificate: SimCertificate): void {
    this.#certificate = certificate;
    this.#shown = certificate;
    this.#armRenewal();
    this.restart();
  }

  /** Knows nothing any more but its certificate and its rows. */
  restart(): void {
    if (this.#certificate === undefined) return;
    this.#stop.abort();
    this.#stop = new AbortController();
    const { clock, random } = this.#deps;
    const transport = {
      open: (handlers: StreamHandlers) => this.#open(handlers),
      close: () => undefined,
    };
    const link = new MemberLink(
      { clusterId: this.cluster },
      { transport, clock, random, log: silentLogger },
    );
    this.#link = link;
    for (const row of this.rows.keys()) this.#hand(row);
    link.markOwnComplete();
    link.setNamespaces(new Set([NAMESPACE]));
    link.start(this.#stop.signal);
  }

  setRow(row: number, version: number): void {
    this.rows.set(row, version);
    this.#hand(row);
  }

  dropRow(row: number): void {
    if (this.rows.delete(row)) this.#hand(row);
  }

  end(): void {
    this.#stop.abort();
    this.#timer?.cancel();
  }

  #hand(row: number): void {
    const version = this.rows.get(row);
    const wanted = version === undefined ? [] : [{ ...rowOf(row, version), cluster: this.cluster }];
    this.#link?.setOwnRows(serviceOf(row), wanted);
  }

  #open(handlers: StreamHandlers): SyncStream {
    const certificate = this.#shown;
    invariant(certificate !== undefined, "a link runs only with a certificate");
    const { world } = this.#deps;
    const stream = world.open(this, certificate, {
      ...handlers,
      onMessage: (message) => {
        world.heard(this, certificate, message);
        handlers.onMessage(message);
      },
    });
    return {
      send: (message) => {
        world.said(this, certificate, message);
        return stream.send(message);
      },
      close: () => stream.close(),
    };
  }

  #armRenewal(): void {
    this.#timer?.cancel();
    const { clock, wiring } = this.#deps;
    const certificate = this.#certificate;
    if (certificate === undefined) return;
    const due = wiring.renewalDueMs ?? renewalDueMs;
    const { issuedAtMs, expiresAtMs } = certificate;
    const atMs = due({ notBeforeMs: issuedAtMs - CLOCK_SKEW_MS, notAfterMs: expiresAtMs });
    this.#timer = clock.setTimer(Math.max(0, atMs - clock.nowMs()), () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const { world, clock, wiring, random } = this.#deps;
    const before = this.#certificate;
    if (before === undefined || before.expiresAtMs <= clock.nowMs()) return;
    const renewed = await world.renew(this, before);
    // It has begun another life meanwhile.
    if (this.#certificate !== before) return;
    if (renewed === undefined) {
      const delayMs = RENEW_AGAIN_MS * (0.5 + 0.5 * random.next());
      this.#timer = clock.setTimer(delayMs, () => void this.#renew());
      return;
    }
    this.#certificate = renewed;
    if (wiring.keepsOldCertificate !== true) this.#shown = renewed;
    this.#armRenewal();
    this.#link?.reopen(REOPEN_MS);
  }
}

export function serviceOf(row: number): ServiceKey {
  return serviceKey(NAMESPACE, `row-${row}`);
}

function rowOf(row: number, version: number): ReturnType<typeof anExportRow> {
  return anExportRow({ namespace: NAMESPACE, name: `row-${row}`, createdAtMs: version });
}
