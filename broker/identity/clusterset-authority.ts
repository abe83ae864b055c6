import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import { checkLife } from "../core/member-life.ts";
import type {
  IdentityAuthority,
  JoinError,
  JoinIdentityRequest,
  JoinOutcome,
} from "../server/join-handler.ts";
import { type Authorities, trustBundle } from "./authority/authorities.ts";
import {
  type CertificateRequest,
  parseCertificateRequest,
} from "./authority/certificate-request.ts";
import { auditedCertificate, type MemberIssuer } from "./member-issuer.ts";
import { nextIncarnation, takenBy, type WritableMemberRegistry } from "./member-registry.ts";
import { parseJoinToken } from "./token/join-token.ts";
import type { TokenBook } from "./token/token-book.ts";
import { secretMatches, type TokenClaim, type TokenRecord } from "./token/token-record.ts";

interface Deps {
  readonly authorities: Authorities;
  readonly issuer: MemberIssuer;
  readonly tokens: TokenBook;
  readonly members: WritableMemberRegistry;
  readonly clock: Clock;
  readonly audit: AuditLog;
}

/** BOUNDED: by this many joins waiting for their turn. */
const MAX_WAITING = 100;

/**
 * Redeems join tokens for certificates. Joins run one after another, so that two of them cannot take one
 * cluster id. Losing the answer does not brick a join: until the token expires, the key that redeemed it
 * may redeem it again and gets a certificate for the same life.
 */
export class ClustersetAuthority implements IdentityAuthority {
  readonly #deps: Deps;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async join(input: JoinIdentityRequest): Promise<Result<JoinOutcome, JoinError>> {
    if (this.#waiting >= MAX_WAITING) {
      return fail(
        "unavailable",
        `cannot join: at most ${MAX_WAITING} joins may wait: got one more`,
      );
    }
    this.#waiting += 1;
    const turn = this.#last.then(() => this.#join(input));
    this.#last = turn.catch(() => undefined);
    try {
      return await turn;
    } catch (error) {
      const cause = error instanceof Error ? error.message : "unknown error";
      return fail("unavailable", `cannot join: the broker could not record the member: ${cause}`);
    } finally {
      this.#waiting -= 1;
    }
  }

  async #join(input: JoinIdentityRequest): Promise<Result<JoinOutcome, JoinError>> {
    const token = await this.#checkToken(input);
    if (!token.ok) return token;
    const request = await parseCertificateRequest(input.csrDer);
    if (!request.ok) return fail("invalid", request.error);
    const claim = await this.#claim(token.value, request.value);
    if (!claim.ok) return claim;
    return this.#admit(claim.value, request.value);
  }

  /** The secret is checked before anything about the token is told. */
  async #checkToken(input: JoinIdentityRequest): Promise<Result<TokenRecord, JoinError>> {
    const { authorities, tokens, clock } = this.#deps;
    const token = parseJoinToken(input.token);
    if (!token.ok) return fail("invalid", token.error);
    const pins = token.value.authorities;
    if (!authorities.trusted.some(({ fingerprint }) => pins.includes(fingerprint))) {
      return fail(
        "denied",
        `cannot join: token must be for authority ${authorities.signing.fingerprint}: got one for ${pins.join(", ")}`,
      );
    }
    const found = await tokens.read(token.value.id);
    if (!found.ok) return fail("unavailable", found.error);
    const record = found.value;
    if (record === undefined) {
      return fail(
        "denied",
        `cannot join: token must be one this broker created: got unknown id ${token.value.id}`,
      );
    }
    if (!secretMatches(record, token.value.secret)) {
      return fail(
        "denied",
        `cannot join: secret of token ${token.value.id} must be the one created with it: it is not`,
      );
    }
    if (record.expiresAtMs <= clock.nowMs()) {
      const at = new Date(record.expiresAtMs).toISOString();
      return fail("denied", `cannot join: token must be unexpired: it expired at ${at}`);
    }
    if (record.clusterId !== input.clusterId) {
      return fail(
        "denied",
        `cannot join: token is for cluster id ${record.clusterId}: got ${JSON.stringify(input.clusterId.slice(0, 80))}`,
      );
    }
    return this.#checkLatest(record);
  }

  /** A cluster id is reserved for one token at a time: an earlier one has been superseded or withdrawn. */
  async #checkLatest(record: TokenRecord): Promise<Result<TokenRecord, JoinError>> {
    const reserved = await this.#deps.tokens.reservation(record.clusterId);
    if (!reserved.ok) return fail("unavailable", reserved.error);
    if (reserved.value?.tokenId === record.id) return ok(record);
    const seen = reserved.value === undefined ? "it was withdrawn" : "a later one was created";
    return fail("denied", `cannot join: token must be the latest for ${record.clusterId}: ${seen}`);
  }

  async #claim(
    token: TokenRecord,
    request: CertificateRequest,
  ): Promise<Result<TokenClaim, JoinError>> {
    const { tokens, members, clock } = this.#deps;
    const earlier = await tokens.readClaim(token.id);
    if (!earlier.ok) return fail("unavailable", earlier.error);
    if (earlier.value !== undefined) return this.#reclaim(earlier.value, request);
    const taken = token.replace ? undefined : takenBy(members, token.clusterId);
    if (taken !== undefined) return fail("taken", `cannot join: ${taken}`);
    const claim: TokenClaim = {
      token,
      claimedAtMs: clock.nowMs(),
      keyFingerprint: request.fingerprint,
      incarnation: nextIncarnation(members, token.clusterId, clock.nowMs()),
    };
    const claimed = await tokens.claim(claim);
    if (!claimed.ok) return fail("unavailable", claimed.error);
    if (claimed.value) return ok(claim);
    return fail("denied", `cannot join: token ${token.id} must be unused: it was just used`);
  }

  /** The same key may ask again: its first answer may have been lost, or we may have crashed before giving it. */
  #reclaim(claim: TokenClaim, request: CertificateRequest): Result<TokenClaim, JoinError> {
    const at = new Date(claim.claimedAtMs).toISOString();
    if (claim.keyFingerprint !== request.fingerprint) {
      return fail(
        "denied",
        `cannot join: token must be unused: it was used at ${at} with another key`,
      );
    }
    const { clusterId, replace } = claim.token;
    const { members } = this.#deps;
    const member = members.table.member(clusterId);
    if (member === undefined) {
      const departed = members.table.departed(clusterId);
      if (departed === undefined || departed < claim.incarnation) return ok(claim);
      return fail(
        "denied",
        `cannot join: token must be unused: it was used at ${at} and ${clusterId} has been removed since`,
      );
    }
    const isRevoked = member.frozenAtMs !== undefined;
    const older = (replace || isRevoked) && member.incarnation < claim.incarnation;
    if (older) return ok(claim);
    if (member.incarnation === claim.incarnation) {
      const life = checkLife(members.table, member);
      return life.ok ? ok(claim) : fail("denied", `cannot join: ${life.error}`);
    }
    const since = new Date(member.joinedAtMs).toISOString();
    return fail(
      "taken",
      `cannot join: cluster id already taken: ${clusterId} joined with another token at ${since}`,
    );
  }

  async #admit(
    claim: TokenClaim,
    request: CertificateRequest,
  ): Promise<Result<JoinOutcome, JoinError>> {
    const { authorities, issuer, audit } = this.#deps;
    const { clusterset } = authorities;
    const { clusterId: cluster, id: token } = claim.token;
    const { incarnation } = claim;
    const issued = await issuer.issue(request, cluster, incarnation, claim.claimedAtMs);
    if (!issued.ok) return fail("unavailable", `cannot join: ${issued.error}`);
    const certificate = auditedCertificate(issued.value);
    audit.record({ kind: "joined", cluster, incarnation, token, ...certificate });
    return ok({
      certificateChainPem: issued.value.certPem,
      caPem: trustBundle(authorities),
      clusterset,
      incarnation,
    });
  }
}

function fail(kind: JoinError["kind"], text: string): Result<never, JoinError> {
  return err({ kind, text });
}
