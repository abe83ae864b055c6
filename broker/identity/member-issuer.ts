import type { ClusterId } from "../../api/cluster-id.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Authorities } from "./authority/authorities.ts";
import type { IssuedCertificate } from "./authority/certificate-authority.ts";
import { MEMBER_LIFE } from "./authority/certificate-life.ts";
import type { CertificateRequest } from "./authority/certificate-request.ts";
import type { WritableMemberRegistry } from "./member-registry.ts";

export interface MemberIssuerOptions {
  /** How long a member's certificate lives. @default 24 h */
  readonly certificateLifeMs?: number;
}

interface Deps {
  readonly authorities: Authorities;
  readonly members: WritableMemberRegistry;
  readonly clock: Clock;
}

/** Issues members' certificates: none is handed out before the store says whose it is and until when. */
export class MemberIssuer {
  readonly #lifeMs: number;
  readonly #deps: Deps;

  constructor(options: MemberIssuerOptions, deps: Deps) {
    this.#lifeMs = options.certificateLifeMs ?? MEMBER_LIFE.defaultMs;
    this.#deps = deps;
  }

  /** Error: the store cannot be written. */
  async issue(
    request: CertificateRequest,
    cluster: ClusterId,
    incarnation: number,
    joinedAtMs = this.#deps.clock.nowMs(),
  ): Promise<Result<IssuedCertificate, string>> {
    const { authorities, members } = this.#deps;
    const { signing, clusterset } = authorities;
    const identity = { clusterset, clusterId: cluster, incarnation };
    const issued = await signing.issueMember(request, identity, this.#lifeMs);
    const known = members.table.member(cluster);
    const stored = await members.putMember({
      cluster,
      incarnation,
      joinedAtMs: known?.incarnation === incarnation ? known.joinedAtMs : joinedAtMs,
      certificateSerial: issued.serial,
      certificateExpiresAtMs: issued.notAfterMs,
    });
    return stored.ok ? ok(issued) : err(stored.error.text);
  }
}

/** What the audit log tells of a certificate. */
export function auditedCertificate(issued: IssuedCertificate): {
  readonly serial: string;
  readonly expiresAt: string;
} {
  return { serial: issued.serial, expiresAt: new Date(issued.notAfterMs).toISOString() };
}
