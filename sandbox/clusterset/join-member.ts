import { silentAudit } from "../../broker/audit/audit-log.ts";
import { FileIdentityStore } from "../../broker/identity/member/file-identity-store.ts";
import { joinClusterset } from "../../broker/identity/member/join-clusterset.ts";
import { issueToken } from "../../broker/identity/token/issue-token.ts";
import { FolderPlace } from "../../broker/place/folder-place.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import type { Random } from "../../runtime/random/random.ts";
import type { ClustersetProcesses, MemberProcesses } from "./clusterset-processes.ts";

/** What `isthmus token create` and `isthmus join` do, without a process for each. */
export async function joinMember(
  member: MemberProcesses,
  processes: ClustersetProcesses,
  deps: { readonly clock: Clock; readonly random: Random },
): Promise<void> {
  const log = silentLogger;
  const place = new FolderPlace(processes.brokerDataDir, { ...deps, log, meter: silentMeter });
  const token = await issueToken(
    place,
    { clusterId: member.id, brokerAddress: processes.brokerAddress },
    { ...deps, log, audit: silentAudit },
  );
  if (!token.ok) throw new Error(token.error);
  const store = new FileIdentityStore(member.identityDir, deps);
  const joined = await joinClusterset(
    { clusterId: member.id, token: token.value.text },
    { ...deps, store },
  );
  if (!joined.ok) throw new Error(joined.error.message);
}
