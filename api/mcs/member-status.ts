import { z } from "zod";
import type { KubeObject } from "../kube/object.ts";
import { err, ok, type Result } from "../result.ts";

/** Lease by which a member's controllers say that they run, beside those of other clusters. */
export const MEMBER_STATUS_LEASE = "isthmus-member";
/** On Lease `isthmus-member`: how this member's controllers are, as JSON (MemberStatus). */
export const ANNOTATION_MEMBER_STATUS = "isthmus.dev/member-status";

const scope = z.object({
  allow: z.array(z.string()),
  deny: z.array(z.string()),
  selector: z.exactOptional(z.string()),
});

const memberStatus = z.object({
  state: z.enum(["running", "stopped"]),
  /** What they wait for, or what an admin must mend; absent: they are ready. */
  problem: z.exactOptional(z.string()),
  /** Absent while they have not tried yet. */
  broker: z.exactOptional(
    z.object({
      state: z.enum(["connecting", "connected", "rejected"]),
      /** Why not, as far as is known. */
      reason: z.exactOptional(z.string()),
    }),
  ),
  /** RFC 3339. */
  certificateExpiresAt: z.exactOptional(z.string()),
  /** Services exported by their labels, where that is done; the first of those that the quota leaves out, and how many those are. */
  autoExport: z.exactOptional(
    z.object({
      exported: z.number(),
      overQuota: z.array(z.string()),
      overQuotaCount: z.number(),
    }),
  ),
  /** Which namespaces this member shares, as its own admins have it. */
  policy: z.exactOptional(z.object({ exports: scope, imports: scope })),
});

/** What a member's controllers say of themselves to whoever may read their Leases: nothing secret. */
export type MemberStatus = z.output<typeof memberStatus>;

/** Error: the annotation is missing, or not of this version. */
export function parseMemberStatus({
  metadata,
}: Pick<KubeObject, "metadata">): Result<MemberStatus, string> {
  const text = metadata.annotations?.[ANNOTATION_MEMBER_STATUS];
  const what = `annotation ${ANNOTATION_MEMBER_STATUS} of Lease ${metadata.name}`;
  if (text === undefined) return err(`${what} is missing`);
  try {
    const parsed = memberStatus.safeParse(JSON.parse(text));
    if (parsed.success) return ok(parsed.data);
    const [issue] = parsed.error.issues;
    return err(`${what}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
  } catch {
    return err(`${what} must be JSON: got ${text.length} characters of something else`);
  }
}

/** What `parseMemberStatus` reads as this again; equal ones are equal texts. */
export function memberStatusText(status: MemberStatus): string {
  return JSON.stringify(memberStatus.parse(status));
}
