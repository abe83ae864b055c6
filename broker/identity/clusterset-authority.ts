import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type {
  IdentityAuthority,
  JoinError,
  JoinIdentityRequest,
  JoinOutcome,
} from "../server/join-handler.ts";
import type { CertificateAuthority } from "./authority/certificate-authority.ts";
import {
  type CertificateRequest,
  parseCertificateRequest,
} from "./authority/certificate-request.ts";
import { nextIncarnation, takenBy, type WritableMemberRegistry } from "./member-registry.ts";
import { parseJoinToken } from "./token/join-token.ts";
import type { TokenFolder } from "./token/token-folder.ts";
import { secretMatches, type TokenClaim, type TokenRecord } from "./token/token-record.ts";

interface Deps {
  readonly authority: CertificateAuthority;
  readonly tokens: TokenFolder;
  readonly members: WritableMemberRegistry;
  readonly clock: Clock;
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
    const { authority, tokens, clock } = this.#deps;
    const token = parseJoinToken(input.token);
    if (!token.ok) return fail("invalid", token.error);
    if (token.value.authorityFingerprint !== authority.fingerprint) {
      return fail(
        "denied",
        `cannot join: token must be for authority ${authority.fingerprint}: got one for ${token.value.authorityFingerprint}`,
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
    return ok(record);
  }

  async #claim(
    token: TokenRecord,
    request: CertificateRequest,
  ): Promise<Result<TokenClaim, JoinError>> {
    const { tokens, members, clock } = this.#deps;
    const earlier = await tokens.readClaim(token.id);
    if (!earlier.ok) return fail("unavailable", earlier.error);
    if (earlier.value !== undefined) return this.#reclaim(earlier.value, request);
    const taken = token.replace ? undefined : takenBy(members.members(), token.clusterId);
    if (taken !== undefined) return fail("taken", `cannot join: ${taken}`);
    const claim: TokenClaim = {
      token,
      claimedAtMs: clock.nowMs(),
      keyFingerprint: request.fingerprint,
      incarnation: nextIncarnation(members, token.clusterId, clock.nowMs()),
    };
    if (await tokens.claim(claim)) return ok(claim);
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
    const member = members.members().find((other) => other.cluster === clusterId);
    if (member === undefined) {
      const departed = members.table.departed(clusterId);
      if (departed === undefined || departed < claim.incarnation) return ok(claim);
      return fail(
        "denied",
        `cannot join: token must be unused: it was used at ${at} and ${clusterId} has been removed since`,
      );
    }
    const older = replace && member.incarnation < claim.incarnation;
    if (older || member.incarnation === claim.incarnation) return ok(claim);
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
    const { authority, members } = this.#deps;
    const { clusterset } = authority;
    const { clusterId } = claim.token;
    const { incarnation } = claim;
    const issued = await authority.issueMember(request, { clusterset, clusterId, incarnation });
    const stored = await members.putMember({
      cluster: clusterId,
      incarnation,
      joinedAtMs: claim.claimedAtMs,
      certificateSerial: issued.serial,
    });
    if (!stored.ok) return fail("unavailable", `cannot join: ${stored.error.text}`);
    return ok({
      certificateChainPem: issued.certPem,
      caPem: authority.certPem,
      clusterset,
      incarnation,
    });
  }
}

function fail(kind: JoinError["kind"], text: string): Result<never, JoinError> {
  return err({ kind, text });
}
