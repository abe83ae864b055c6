import type { Lease } from "../../api/kube/lease.ts";
import { type MemberStatus, parseMemberStatus } from "../../api/mcs/member-status.ts";
import { ok, type Result } from "../../api/result.ts";

/** What the controllers say, and when they said so last. */
export interface ControllersReport {
  readonly status: MemberStatus;
  readonly secondsAgo: number;
  /** Without a word for so long, they are not there. */
  readonly durationSeconds: number;
}

/** Error: what they say cannot be read. */
export function controllersReport(lease: Lease, nowMs: number): Result<ControllersReport, string> {
  const status = parseMemberStatus(lease);
  if (!status.ok) return status;
  const renewedMs = Date.parse(lease.spec?.renewTime ?? "");
  const secondsAgo = Number.isNaN(renewedMs)
    ? Number.POSITIVE_INFINITY
    : Math.max(0, Math.round((nowMs - renewedMs) / 1000));
  const durationSeconds = lease.spec?.leaseDurationSeconds ?? 0;
  return ok({ status: status.value, secondsAgo, durationSeconds });
}
