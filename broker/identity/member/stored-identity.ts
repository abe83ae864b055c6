import { z } from "zod";
import { err, ok, type Result } from "../../../api/result.ts";
import {
  type MemberIdentity,
  type MemberMaterial,
  parseMemberIdentity,
} from "./member-identity.ts";

const material = z.strictObject({
  keyPem: z.string(),
  certPem: z.string(),
  caPem: z.string(),
  brokerAddress: z.string().min(1),
});

/** One text, so that key and certificate cannot come apart wherever it is kept. Secret. */
export function encodeIdentity(identity: MemberMaterial): string {
  // Whole identities are given too: what else is known of them is read from the certificate.
  const { keyPem, certPem, caPem, brokerAddress } = identity;
  const parts: z.output<typeof material> = { keyPem, certPem, caPem, brokerAddress };
  return `${JSON.stringify(parts, undefined, 2)}\n`;
}

/** Error: what is wrong with the text, or with what it says at this time (parseMemberIdentity); shows nothing secret. */
export function decodeIdentity(text: string, nowMs: number): Result<MemberIdentity, string> {
  const parts = parseMaterial(text);
  return parts.ok ? parseMemberIdentity(parts.value, nowMs) : parts;
}

function parseMaterial(text: string): Result<MemberMaterial, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err(
      `cannot read member identity: must be JSON: got ${text.length} characters of something else`,
    );
  }
  const parsed = material.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  return err(
    `cannot read member identity: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`,
  );
}
