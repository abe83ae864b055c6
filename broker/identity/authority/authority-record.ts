import { z } from "zod";
import { err, ok, type Result } from "../../../api/result.ts";
import type { AuthorityMaterial } from "./certificate-authority.ts";
import type { Rotation } from "./rotation.ts";

/** What replicas share of the authority: the shared record `authority`. Secret. */
export interface AuthorityRecord {
  readonly current: AuthorityMaterial;
  /** Under way, or over and not yet tidied up. */
  readonly rotation?: Rotation & { readonly next: AuthorityMaterial };
}

export const AUTHORITY_KEY = "authority";

const material = z.strictObject({
  keyPem: z.string().startsWith("-----BEGIN PRIVATE KEY-----"),
  certPem: z.string().startsWith("-----BEGIN CERTIFICATE-----"),
});
const timeMs = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const schema = z.strictObject({
  formatVersion: z.literal(1),
  current: material,
  rotation: z
    .strictObject({ startedAtMs: timeMs, switchAtMs: timeMs, retireAtMs: timeMs, next: material })
    .optional(),
});

export function formatAuthorityRecord({ current, rotation }: AuthorityRecord): string {
  return `${JSON.stringify({ formatVersion: 1, current, rotation }, undefined, 2)}\n`;
}

/** Errors name the field, never its text. */
export function parseAuthorityRecord(text: string): Result<AuthorityRecord, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err(
      `cannot open authority: must be JSON: got ${text.length} characters of something else`,
    );
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue?.path.join(".") ?? "";
    return err(`cannot open authority: ${field} must be as written: ${issue?.code ?? "it is not"}`);
  }
  const { current, rotation } = parsed.data;
  return ok(rotation === undefined ? { current } : { current, rotation });
}
