import { ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Random } from "../../runtime/random/random.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import type { SharedRecords } from "../shared/shared-records.ts";
import type { Store } from "../store/store.ts";
import { AuthorityKeeper } from "./authority/authority-keeper.ts";
import { GrpcCertificateProvider } from "./authority/grpc-certificate-provider.ts";
import { ServingCertificate } from "./authority/serving-certificate.ts";
import { ClustersetAuthority } from "./clusterset-authority.ts";
import { MemberIssuer } from "./member-issuer.ts";
import { MemberRenewals } from "./member-renewals.ts";
import { Revocations } from "./revocations.ts";
import { TokenBook } from "./token/token-book.ts";

export interface BrokerIdentityOptions {
  readonly clusterset: string;
  /** Host names and IPs to put into the serving certificate. */
  readonly hosts: readonly string[];
  /** @default 24 h */
  readonly certificateLifeMs?: number;
  /** How soon this replica sees what another did to the authority. @default 10 s */
  readonly authorityPollMs?: number;
  /** Between two renewals of one member. @default 5 s */
  readonly renewalPauseMs?: number;
}

/** Everything of identity that one broker process needs. */
export interface BrokerIdentity {
  readonly authorities: AuthorityKeeper;
  readonly tokens: TokenBook;
  readonly revocations: Revocations;
  readonly authority: ClustersetAuthority;
  readonly renewals: MemberRenewals;
  readonly certificates: GrpcCertificateProvider;
  readonly serving: ServingCertificate;
}

/**
 * Opens, or makes, the authority, brings back what a lost store has forgotten of revocations, and keeps authority and
 * serving certificate until the signal aborts.
 */
export async function openBrokerIdentity(
  options: BrokerIdentityOptions,
  deps: {
    readonly records: SharedRecords;
    readonly store: Store;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Logger;
    readonly audit: AuditLog;
  },
  signal: AbortSignal,
): Promise<Result<BrokerIdentity, string>> {
  const {
    clusterset,
    hosts,
    certificateLifeMs,
    authorityPollMs: pollMs,
    renewalPauseMs: pauseMs,
  } = options;
  const polling = pollMs === undefined ? {} : { pollMs };
  const opened = await AuthorityKeeper.open(clusterset, polling, deps);
  if (!opened.ok) return opened;
  const authorities = opened.value;
  authorities.start(signal);
  const serving = new ServingCertificate({ hosts }, { ...deps, authorities });
  const first = await serving.start(signal);
  if (!first.ok) return first;
  const tokens = new TokenBook(deps.records);
  const common = { ...deps, authorities, tokens, members: deps.store };
  const revocations = new Revocations(common);
  const restored = await revocations.restore();
  if (!restored.ok) return restored;
  const issuer = new MemberIssuer(
    certificateLifeMs === undefined ? {} : { certificateLifeMs },
    common,
  );
  return ok({
    authorities,
    tokens,
    revocations,
    serving,
    authority: new ClustersetAuthority({ ...common, issuer }),
    renewals: new MemberRenewals(pauseMs === undefined ? {} : { pauseMs }, { ...common, issuer }),
    certificates: new GrpcCertificateProvider(serving, authorities),
  });
}
