import { err, type Result } from "../api/result.ts";
import { createGrpcBrokerLink } from "../broker/client/grpc/grpc-broker-link.ts";
import type { MemberIdentity } from "../broker/identity/member/member-identity.ts";
import { underlayBackend } from "../connectivity/underlay/underlay-backend.ts";
import { MemberControllers } from "../controllers/member-controllers.ts";
import { MembershipGuard } from "../controllers/membership/membership-guard.ts";
import type { MemberPolicy } from "../controllers/policy/member-policy.ts";
import type { Clock } from "../runtime/clock/clock.ts";
import type { Changing } from "../runtime/config/changing.ts";
import type { KubeClient } from "../runtime/kube/kube-client.ts";
import type { Logger } from "../runtime/log/log.ts";
import type { Meter } from "../runtime/metrics/meter.ts";
import type { Random } from "../runtime/random/random.ts";
import { prepareMember } from "./prepare-member.ts";
import { reflectorsCheck } from "./reflectors-check.ts";

export interface RunMemberOptions {
  readonly identity: MemberIdentity;
  /** Further broker addresses. */
  readonly otherAddresses: readonly string[];
  readonly cidrs: readonly string[];
  readonly policy: Changing<MemberPolicy>;
  /** Told what readiness means from now on. */
  readonly onReadiness: (check: () => Result<string, string>) => void;
}

export interface RunMemberDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

/**
 * One life of a member's controllers: prepares, connects to the broker and keeps the cluster's objects until the
 * signal aborts and the work under way has ended.
 * @returns what an admin must mend before another try can help; undefined after an ordinary stop.
 */
export async function runMember(
  options: RunMemberOptions,
  deps: RunMemberDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { identity, otherAddresses, cidrs, policy, onReadiness } = options;
  const prepared = await prepareMember(identity, deps, {
    signal,
    onWaiting: (reason) => onReadiness(() => err(reason)),
  });
  if (prepared.kind !== "prepared") {
    return prepared.kind === "refused" ? prepared.message : undefined;
  }
  const { aboutVersion, ...member } = prepared.member;
  const link = createGrpcBrokerLink({ identity, otherAddresses, cidrs }, deps);
  const guard = new MembershipGuard(identity, aboutVersion, deps);
  const controllers = new MemberControllers(
    { cluster: identity.clusterId, ...member },
    { ...deps, link, backend: underlayBackend, policy },
  );
  onReadiness(
    reflectorsCheck(
      controllers.reflectors,
      () => guard.problem ?? (link.hasSynced() || "waiting for the broker"),
    ),
  );
  link.start(signal);
  await Promise.all([controllers.run(signal), guard.run(signal)]);
  return undefined;
}
