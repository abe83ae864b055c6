import { randomBytes } from "node:crypto";
import { type ClusterId, parseClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { AuditLog } from "../../audit/audit-log.ts";
import { type MemberRegistry, takenBy } from "../member-registry.ts";
import { formatJoinToken, TOKEN_ID_BYTES, TOKEN_SECRET_BYTES } from "./join-token.ts";
import type { ReservationAt, TokenBook } from "./token-book.ts";
import { hashSecret, type TokenRecord } from "./token-record.ts";

/** Limits of a token's life, milliseconds. */
const TOKEN_TTL = {
  defaultMs: 15 * 60_000,
  minMs: 1_000,
  maxMs: 7 * 24 * 3600_000,
} as const;

export interface CreateTokenOptions {
  /** The only cluster id that the token lets join. */
  readonly clusterId: string;
  /** @default 15 minutes */
  readonly ttlMs?: number;
  /**
   * Lets the token take over a cluster id that is a member, whose rows are dropped when it is redeemed (CLN-13), or one
   * that another token is open for, which is void from now on.
   */
  readonly replace?: boolean;
  /** host:port put into the token, so that joining needs nothing else. */
  readonly brokerAddress?: string;
}

interface Deps {
  readonly tokens: TokenBook;
  readonly members: MemberRegistry;
  /** Fingerprints of the authorities in force: one or two. */
  readonly pins: readonly string[];
  readonly clock: Clock;
  readonly audit: AuditLog;
}

export interface CreatedToken {
  /** The text to hand over. The only time that the secret is seen. */
  readonly text: string;
  readonly record: TokenRecord;
}

export async function createToken(
  options: CreateTokenOptions,
  deps: Deps,
): Promise<Result<CreatedToken, string>> {
  const clusterId = parseClusterId(options.clusterId);
  if (!clusterId.ok) return clusterId;
  const ttlMs = options.ttlMs ?? TOKEN_TTL.defaultMs;
  if (!(ttlMs >= TOKEN_TTL.minMs && ttlMs <= TOKEN_TTL.maxMs)) {
    return err(
      `cannot create join token: life must be ${TOKEN_TTL.minMs} to ${TOKEN_TTL.maxMs} ms: got ${ttlMs}`,
    );
  }
  const replace = options.replace ?? false;
  const reserved = await deps.tokens.reservation(clusterId.value);
  if (!reserved.ok) return reserved;
  if (!replace) {
    const free = await checkFree(clusterId.value, reserved.value, deps);
    if (!free.ok) return free;
  }
  const secret = randomBytes(TOKEN_SECRET_BYTES).toString("base64url");
  const nowMs = deps.clock.nowMs();
  const record: TokenRecord = {
    id: randomBytes(TOKEN_ID_BYTES).toString("base64url"),
    clusterId: clusterId.value,
    secretSha256: hashSecret(secret),
    createdAtMs: nowMs,
    expiresAtMs: nowMs + Math.floor(ttlMs),
    replace,
    authorities: deps.pins,
  };
  const added = await deps.tokens.add(record, reserved.value);
  if (!added.ok) return added;
  deps.audit.record({
    kind: "token-created",
    cluster: record.clusterId,
    token: record.id,
    expiresAt: new Date(record.expiresAtMs).toISOString(),
    replace,
  });
  const text = formatJoinToken({
    id: record.id,
    secret,
    authorities: deps.pins,
    ...(options.brokerAddress === undefined ? {} : { brokerAddress: options.brokerAddress }),
  });
  return ok({ text, record });
}

/** A cluster id with a living owner, or one that an unexpired token may still be redeemed for, is not given away. */
async function checkFree(
  cluster: ClusterId,
  reserved: ReservationAt | undefined,
  { tokens, members, clock }: Deps,
): Promise<Result<undefined, string>> {
  const taken = takenBy(members, cluster);
  if (taken !== undefined) return err(`cannot create join token: ${taken}`);
  if (reserved === undefined || reserved.expiresAtMs <= clock.nowMs()) return ok(undefined);
  const claim = await tokens.readClaim(reserved.tokenId);
  if (!claim.ok) return claim;
  // Whoever redeemed it has left since: the claim is over.
  const departed = members.table.departed(cluster) ?? -1;
  if (claim.value !== undefined && claim.value.incarnation <= departed) return ok(undefined);
  const until = new Date(reserved.expiresAtMs).toISOString();
  return err(
    `cannot create join token: cluster id already claimed: token ${reserved.tokenId} for ${cluster} lives until ${until} (wait, or create the token with replace, which voids that one)`,
  );
}
