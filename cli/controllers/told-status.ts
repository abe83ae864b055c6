import type { MemberStatus } from "../../api/mcs/member-status.ts";
import { err, type Result } from "../../api/result.ts";
import type { BrokerLink, LinkStatus } from "../../broker/client/broker-link.ts";
import type { RenewedIdentity } from "../../broker/identity/member/certificate-renewal.ts";
import { certificateTimes } from "../../broker/identity/member/member-identity.ts";
import type { AutoExportCounts } from "../../controllers/auto-export/auto-exporter.ts";
import { EventRecorder } from "../../controllers/events/event-recorder.ts";
import { MemberStatusLease } from "../../controllers/membership/member-status-lease.ts";
import type { MemberPolicy, NamespaceScope } from "../../controllers/policy/member-policy.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Changing } from "../../runtime/config/changing.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import { ProblemTeller } from "./tell-problems.ts";

/** What one life of a member's controllers is told of as it goes on, and what they say of it in the cluster. */
export class ToldStatus {
  /** The check behind `/readyz`. */
  check: () => Result<string, string> = () => err("starting");
  link: Pick<BrokerLink, "status"> | undefined;
  leaving: AbortSignal | undefined;
  autoExports: () => AutoExportCounts | undefined = () => undefined;
  /** What ended this life, other than being asked to. */
  ending: string | undefined;
  readonly #renewal: Pick<RenewedIdentity, "current">;
  readonly #policy: Changing<MemberPolicy>;
  readonly #lease: MemberStatusLease;
  readonly #teller: ProblemTeller;

  constructor(
    options: {
      readonly renewal: Pick<RenewedIdentity, "current">;
      readonly policy: Changing<MemberPolicy>;
      readonly leaseNamespace: string;
    },
    deps: {
      readonly client: KubeClient;
      readonly clock: Clock;
      readonly log: Logger;
      readonly meter: Meter;
    },
  ) {
    this.#renewal = options.renewal;
    this.#policy = options.policy;
    const cluster = options.renewal.current().clusterId;
    this.#lease = new MemberStatusLease({ namespace: options.leaseNamespace, cluster }, deps);
    const events = new EventRecorder({ instance: cluster }, deps);
    this.#teller = new ProblemTeller(options.leaseNamespace, { ...deps, events });
  }

  async run(signal: AbortSignal): Promise<void> {
    const look = (): MemberStatus => {
      const status = this.status();
      if (!signal.aborted) this.#teller.look(status.problem, signal);
      return status;
    };
    await this.#lease.run(look, signal, () => this.leaving?.aborted === true);
  }

  status(): MemberStatus {
    const ready = this.check();
    const problem = this.ending ?? (ready.ok ? undefined : ready.error);
    const broker = this.link === undefined ? undefined : brokerStatus(this.link.status());
    const { exports, imports } = this.#policy.current;
    const auto = this.autoExports();
    return {
      state: "running",
      ...(problem === undefined ? {} : { problem }),
      ...(broker === undefined ? {} : { broker }),
      certificateExpiresAt: new Date(
        certificateTimes(this.#renewal.current()).expiresAtMs,
      ).toISOString(),
      ...(auto === undefined ? {} : { autoExport: autoExportStatus(auto) }),
      policy: { exports: scopeText(exports), imports: scopeText(imports) },
    };
  }
}

/** Why nothing has been synced with the broker, for people. */
export function waitingForBroker(status: LinkStatus): string {
  switch (status.kind) {
    case "connected":
      return "waiting for the broker: connected, its first sync is under way";
    case "connecting": {
      const { lastError } = status;
      return `waiting for the broker${lastError === undefined ? "" : `: ${lastError}`}`;
    }
    case "rejected":
      return `the broker rejects this cluster: ${status.reason}`;
  }
}

function brokerStatus(status: LinkStatus): MemberStatus["broker"] {
  switch (status.kind) {
    case "connected":
      return { state: "connected" };
    case "connecting": {
      const { lastError } = status;
      return { state: "connecting", ...(lastError === undefined ? {} : { reason: lastError }) };
    }
    case "rejected":
      return { state: "rejected", reason: status.reason };
  }
}

/** Named in the Lease, which is written often. */
const OVER_QUOTA_SHOWN = 20;

function autoExportStatus({
  exported,
  overQuota,
}: AutoExportCounts): NonNullable<MemberStatus["autoExport"]> {
  const shown = overQuota.slice(0, OVER_QUOTA_SHOWN);
  return { exported, overQuota: shown, overQuotaCount: overQuota.length };
}

function scopeText({
  rules,
  selector,
}: NamespaceScope): NonNullable<MemberStatus["policy"]>["exports"] {
  const { allow, deny } = rules;
  return {
    allow: [...allow],
    deny: [...deny],
    ...(selector === undefined ? {} : { selector: selector.text }),
  };
}
