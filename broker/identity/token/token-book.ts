import type { ClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { SharedRecords } from "../../shared/shared-records.ts";
import {
  parseReservation,
  parseTokenClaim,
  parseTokenRecord,
  type Reservation,
  type TokenClaim,
  type TokenRecord,
} from "./token-record.ts";

/** BOUNDED: by this many tokens, expired ones excluded; each is a small record. */
const MAX_TOKENS = 1000;
/** Redeemed and expired tokens stay this long, so that "expired" and "used" can be told from "unknown". */
const KEEP_EXPIRED_MS = 24 * 3600 * 1000;

/**
 * Tokens (`tokens/<id>`), claims (`claims/<id>`) and which token a cluster id is reserved for (`ids/<cluster id>`), in a
 * place that commands and all replicas of the broker share. A claim is created exclusively and whole, so of two redeemers
 * one wins, and a crash leaves a token either open or claimed. A cluster id is reserved for one token at a time.
 */
export class TokenBook {
  readonly #records: SharedRecords;
  readonly #maxTokens: number;

  constructor(records: SharedRecords, maxTokens: number = MAX_TOKENS) {
    this.#records = records;
    this.#maxTokens = maxTokens;
  }

  /** Reserves the cluster id too. Error: MAX_TOKENS live tokens are there already, or another reserved the id meanwhile. */
  async add(
    token: TokenRecord,
    replaced: ReservationAt | undefined,
  ): Promise<Result<undefined, string>> {
    const count = await this.#removeExpired(token.createdAtMs);
    if (!count.ok) return count;
    if (count.value >= this.#maxTokens) {
      return err(
        `cannot create join token: at most ${this.#maxTokens} may be open at once: got ${count.value}`,
      );
    }
    const created = await this.#records.create(`tokens/${token.id}`, JSON.stringify(token));
    if (!created.ok) return created;
    if (!created.value) return err(`cannot create join token: id ${token.id} exists`);
    const reserved = await this.#reserve(token, replaced);
    if (reserved.ok && reserved.value) return ok(undefined);
    await this.#records.delete(`tokens/${token.id}`);
    return reserved.ok
      ? err(
          `cannot create join token: another token for ${token.clusterId} was created at the same time`,
        )
      : reserved;
  }

  /** Undefined: never created here, withdrawn, or forgotten since it expired. */
  async read(id: string): Promise<Result<TokenRecord | undefined, string>> {
    const found = await this.#records.read(`tokens/${id}`);
    if (!found.ok) return found;
    return found.value === undefined ? ok(undefined) : parseTokenRecord(found.value.text);
  }

  async readClaim(id: string): Promise<Result<TokenClaim | undefined, string>> {
    const found = await this.#records.read(`claims/${id}`);
    if (!found.ok) return found;
    return found.value === undefined ? ok(undefined) : parseTokenClaim(found.value.text);
  }

  /** False: somebody else has claimed it. Durable when it returns. */
  claim(claim: TokenClaim): Promise<Result<boolean, string>> {
    return this.#records.create(`claims/${claim.token.id}`, JSON.stringify(claim));
  }

  /** The token that the cluster id is, or was last, reserved for. */
  async reservation(cluster: ClusterId): Promise<Result<ReservationAt | undefined, string>> {
    const found = await this.#records.read(`ids/${cluster}`);
    if (!found.ok) return found;
    if (found.value === undefined) return ok(undefined);
    const parsed = parseReservation(found.value.text);
    return parsed.ok ? ok({ ...parsed.value, revision: found.value.revision }) : parsed;
  }

  /** No token made for this cluster id so far lets anybody in any more. */
  withdraw(cluster: ClusterId): Promise<Result<void, string>> {
    return this.#records.delete(`ids/${cluster}`);
  }

  /** When the last token expires that names no authority but this one; `nowMs` when there is none. */
  async lastExpiryMs(fingerprint: string, nowMs: number): Promise<Result<number, string>> {
    const listed = await this.#records.list("tokens");
    if (!listed.ok) return listed;
    let last = nowMs;
    for (const { text } of listed.value) {
      const token = parseTokenRecord(text);
      if (!token.ok || token.value.authorities.some((pin) => pin !== fingerprint)) continue;
      last = Math.max(last, token.value.expiresAtMs);
    }
    return ok(last);
  }

  #reserve(
    token: TokenRecord,
    replaced: ReservationAt | undefined,
  ): Promise<Result<boolean, string>> {
    const key = `ids/${token.clusterId}`;
    const value: Reservation = { tokenId: token.id, expiresAtMs: token.expiresAtMs };
    const text = JSON.stringify(value);
    return replaced === undefined
      ? this.#records.create(key, text)
      : this.#records.replace(key, text, replaced.revision);
  }

  /** Returns how many unexpired tokens are left. Records that cannot be read count, so that damage stays visible. */
  async #removeExpired(nowMs: number): Promise<Result<number, string>> {
    const listed = await this.#records.list("tokens");
    if (!listed.ok) return listed;
    let live = 0;
    for (const { key, text } of listed.value) {
      const token = parseTokenRecord(text);
      if (token.ok && token.value.expiresAtMs + KEEP_EXPIRED_MS < nowMs) {
        const removed = await this.#remove(token.value, key);
        if (!removed.ok) return removed;
      } else if (!token.ok || token.value.expiresAtMs > nowMs) {
        live += 1;
      }
    }
    return ok(live);
  }

  /** The token last: a crash in between leaves something that the next call finds. */
  async #remove({ id, clusterId }: TokenRecord, key: string): Promise<Result<void, string>> {
    const reserved = await this.reservation(clusterId);
    if (!reserved.ok) return reserved;
    if (reserved.value?.tokenId === id) {
      const withdrawn = await this.withdraw(clusterId);
      if (!withdrawn.ok) return withdrawn;
    }
    const unclaimed = await this.#records.delete(`claims/${id}`);
    return unclaimed.ok ? this.#records.delete(key) : unclaimed;
  }
}

/** A reservation and how to replace it. */
export interface ReservationAt extends Reservation {
  readonly revision: string;
}
