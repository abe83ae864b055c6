import { createHash, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { parseClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";

/** What the broker keeps of a token: enough to check it, not enough to use it. */
export interface TokenRecord {
  readonly id: string;
  readonly clusterId: ClusterId;
  /** SHA-256 of the secret's text, hexadecimal. A 256-bit random secret needs no slow hash. */
  readonly secretSha256: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** May take over a cluster id that is a member already. */
  readonly replace: boolean;
  /** Fingerprints of the authorities that its text names. */
  readonly authorities: readonly string[];
}

/** Which token may be redeemed for a cluster id: the latest. */
export interface Reservation {
  readonly tokenId: string;
  /** Until then nobody else may be given the id, unless an admin says so. */
  readonly expiresAtMs: number;
}

/** A redeemed token: who redeemed it and which life it opened. */
export interface TokenClaim {
  readonly token: TokenRecord;
  readonly claimedAtMs: number;
  /** Fingerprint of the key that redeemed it: the same key may do so again until the token expires. */
  readonly keyFingerprint: string;
  readonly incarnation: number;
}

const safeInteger = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const clusterId = z.string().transform((text, context): ClusterId => {
  const parsed = parseClusterId(text);
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: "custom", message: parsed.error });
  return z.NEVER;
});
const record = z.strictObject({
  id: z.string(),
  clusterId,
  secretSha256: z.string().regex(/^[0-9a-f]{64}$/),
  createdAtMs: safeInteger,
  expiresAtMs: safeInteger,
  replace: z.boolean(),
  authorities: z.array(z.string()).min(1).max(2),
});
const reservation = z.strictObject({ tokenId: z.string(), expiresAtMs: safeInteger });
const claim = z.strictObject({
  token: record,
  claimedAtMs: safeInteger,
  keyFingerprint: z.string(),
  incarnation: safeInteger,
});

export function parseTokenRecord(text: string): Result<TokenRecord, string> {
  return parseJson("token record", record, text);
}

export function parseTokenClaim(text: string): Result<TokenClaim, string> {
  return parseJson("token claim", claim, text);
}

export function parseReservation(text: string): Result<Reservation, string> {
  return parseJson("cluster id reservation", reservation, text);
}

export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Constant time: how much of a guess is right must not show. */
export function secretMatches(token: TokenRecord, secret: string): boolean {
  return timingSafeEqual(Buffer.from(token.secretSha256), Buffer.from(hashSecret(secret)));
}

function parseJson<T>(what: string, schema: z.ZodType<T>, text: string): Result<T, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err(
      `cannot parse ${what}: must be JSON: got ${text.length} characters of something else`,
    );
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  return err(
    `cannot parse ${what}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`,
  );
}
