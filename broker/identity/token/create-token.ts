import { randomBytes } from "node:crypto";
import { parseClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { type MemberRegistry, takenBy } from "../member-registry.ts";
import { formatJoinToken, TOKEN_ID_BYTES, TOKEN_SECRET_BYTES } from "./join-token.ts";
import type { TokenFolder } from "./token-folder.ts";
import { hashSecret, type TokenRecord } from "./token-record.ts";

/** Limits of a token's life, milliseconds. */
export const TOKEN_TTL = {
  defaultMs: 15 * 60_000,
  minMs: 1_000,
  maxMs: 7 * 24 * 3600_000,
} as const;

export interface CreateTokenOptions {
  /** The only cluster id that the token lets join. */
  readonly clusterId: string;
  /** @default 15 minutes */
  readonly ttlMs?: number;
  /** Lets the token take over a cluster id that is a member: its rows are dropped when it is redeemed (CLN-13). */
  readonly replace?: boolean;
  /** host:port put into the token, so that joining needs nothing else. */
  readonly brokerAddress?: string;
}

interface Deps {
  readonly folder: TokenFolder;
  readonly members: MemberRegistry;
  readonly authorityFingerprint: string;
  readonly clock: Clock;
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
  const taken = replace ? undefined : takenBy(deps.members.members(), clusterId.value);
  if (taken !== undefined) return err(`cannot create join token: ${taken}`);
  const secret = randomBytes(TOKEN_SECRET_BYTES).toString("base64url");
  const nowMs = deps.clock.nowMs();
  const record: TokenRecord = {
    id: randomBytes(TOKEN_ID_BYTES).toString("base64url"),
    clusterId: clusterId.value,
    secretSha256: hashSecret(secret),
    createdAtMs: nowMs,
    expiresAtMs: nowMs + Math.floor(ttlMs),
    replace,
  };
  const added = await deps.folder.add(record);
  if (!added.ok) return added;
  const text = formatJoinToken({
    id: record.id,
    secret,
    authorityFingerprint: deps.authorityFingerprint,
    ...(options.brokerAddress === undefined ? {} : { brokerAddress: options.brokerAddress }),
  });
  return ok({ text, record });
}
