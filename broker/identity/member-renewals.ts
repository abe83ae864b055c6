import type { ClusterId } from "../../api/cluster-id.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import { checkLife } from "../core/member-life.ts";
import type {
  RenewalAuthority,
  RenewError,
  RenewIdentityRequest,
  RenewOutcome,
} from "../server/renew-handler.ts";
import { type Authorities, trustBundle } from "./authority/authorities.ts";
import { parseCertificateRequest } from "./authority/certificate-request.ts";
import { auditedCertificate, type MemberIssuer } from "./member-issuer.ts";
import type { MemberRegistry } from "./member-registry.ts";

export interface MemberRenewalsOptions {
  /** Between two renewals of one member: signing and storing cost, and nobody needs more. @default 5 s */
  readonly pauseMs?: number;
}

interface Deps {
  readonly authorities: Authorities;
  readonly issuer: MemberIssuer;
  readonly members: MemberRegistry;
  readonly clock: Clock;
  readonly audit: AuditLog;
}

const PAUSE_MS = 5000;

/**
 * Exchanges certificates for newer ones of the same life and another key. Only a certificate that is valid now will do:
 * accepting an expired one would let whoever finds an old key in, so its member joins again.
 */
export class MemberRenewals implements RenewalAuthority {
  readonly #pauseMs: number;
  readonly #deps: Deps;
  /** When each member renewed last, monotonic. BOUNDED: by the members that did so within the pause. */
  readonly #renewedAtMs = new Map<ClusterId, number>();

  constructor({ pauseMs = PAUSE_MS }: MemberRenewalsOptions, deps: Deps) {
    this.#pauseMs = pauseMs;
    this.#deps = deps;
  }

  async renew({
    peer,
    keyFingerprint,
    csrDer,
  }: RenewIdentityRequest): Promise<Result<RenewOutcome, RenewError>> {
    const { authorities, issuer, members, audit } = this.#deps;
    const { cluster, incarnation } = peer;
    const life = checkLife(members.table, peer);
    if (!life.ok) return fail("denied", life.error);
    const request = await parseCertificateRequest(csrDer);
    if (!request.ok) return err({ kind: "invalid", text: request.error });
    if (request.value.fingerprint === keyFingerprint) {
      return fail("invalid", "key must be a new one: it is that of the present certificate");
    }
    const turn = this.#takeTurn(cluster);
    if (!turn.ok) return turn;
    const issued = await issuer.issue(request.value, cluster, incarnation);
    if (!issued.ok) return fail("unavailable", issued.error);
    audit.record({ kind: "renewed", cluster, incarnation, ...auditedCertificate(issued.value) });
    return ok({ certificateChainPem: issued.value.certPem, caPem: trustBundle(authorities) });
  }

  #takeTurn(cluster: ClusterId): Result<undefined, RenewError> {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const [other, atMs] of this.#renewedAtMs) {
      if (nowMs - atMs >= this.#pauseMs) this.#renewedAtMs.delete(other);
    }
    const lastMs = this.#renewedAtMs.get(cluster);
    if (lastMs !== undefined) {
      const agoMs = Math.round(nowMs - lastMs);
      return fail(
        "too-soon",
        `must be ${this.#pauseMs} ms after the last time: it was ${agoMs} ms ago`,
      );
    }
    this.#renewedAtMs.set(cluster, nowMs);
    return ok(undefined);
  }
}

function fail(kind: RenewError["kind"], text: string): Result<never, RenewError> {
  return err({ kind, text: `cannot renew: ${text}` });
}
