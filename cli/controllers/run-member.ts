import type { ClusterId } from "../../api/cluster-id.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { createGrpcBrokerLink } from "../../broker/client/grpc/grpc-broker-link.ts";
import { type Hop, Propagation } from "../../broker/client/propagation.ts";
import { StateKeeper } from "../../broker/client/saved/state-keeper.ts";
import type { RenewedIdentity } from "../../broker/identity/member/certificate-renewal.ts";
import { untestedSelection } from "../../connectivity/path-selection.ts";
import { underlayBackend } from "../../connectivity/underlay/underlay-backend.ts";
import { electGateways } from "../../connectivity/vxlan/election/elect-gateways.ts";
import { MemberControllers } from "../../controllers/member-controllers.ts";
import { MembershipGuard } from "../../controllers/membership/membership-guard.ts";
import {
  NetworkPublisher,
  type NetworkPublisherDeps,
} from "../../controllers/network/network-publisher.ts";
import type { MemberPolicy } from "../../controllers/policy/member-policy.ts";
import { SlicePublisher } from "../../controllers/slices/slice-publisher.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Changing } from "../../runtime/config/changing.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { Random } from "../../runtime/random/random.ts";
import { peerStreams } from "../paths/peer-streams.ts";
import { udpProbes } from "../paths/probe-network.ts";
import { type PathOptions, type RunningPaths, startPaths } from "../paths/start-paths.ts";
import { telling } from "../paths/telling.ts";
import { reflectorsCheck } from "../process/reflectors-check.ts";
import { startTracing } from "../tracing/start-tracing.ts";
import { spanOfHop } from "../tracing/trace-propagation.ts";
import type { MemberNetworkOptions } from "./network-settings.ts";
import { prepareMember } from "./prepare-member.ts";
import { savedStateFile } from "./saved-state-file.ts";
import { ToldStatus, waitingForBroker } from "./told-status.ts";

/** Time for a stream to move to a renewed certificate: the old one is good for hours yet. */
const REOPEN_WITHIN_MS = 30_000;

export interface RunMemberOptions {
  /** Who this member is, with its latest certificate. */
  readonly renewal: RenewedIdentity;
  /** Further broker addresses. */
  readonly otherAddresses: readonly string[];
  readonly cidrs: readonly string[];
  /** Where the link's state outlives the process. */
  readonly stateDir: string;
  readonly policy: Changing<MemberPolicy>;
  /** See PeerWatchOptions. */
  readonly staleAfterMs: number;
  /** Of the Leases of source clusters (CLN-06), of the one that says how this member is, and of all else of ours. */
  readonly leaseNamespace: string;
  /** How peers are reached; no backends: pod addresses as they are, untested. */
  readonly paths: Omit<PathOptions, "namespace">;
  /** What is said about the own network; undefined: it takes no part in connectivity. */
  readonly network: MemberNetworkOptions | undefined;
  /** Base address of a collector of traces; undefined: none are made. */
  readonly otlpEndpoint?: string | undefined;
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
  const told = new ToldStatus(options, deps);
  const ended = new AbortController();
  const telling = told.run(AbortSignal.any([signal, ended.signal]));
  const onReadiness = (check: () => Result<string, string>): void => {
    told.check = check;
    options.onReadiness(check);
  };
  try {
    told.ending = await runTold({ ...options, onReadiness }, told, deps, signal);
    return told.ending;
  } finally {
    ended.abort();
    await telling;
  }
}

async function runTold(
  options: RunMemberOptions,
  told: ToldStatus,
  deps: RunMemberDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { renewal, otherAddresses, cidrs, onReadiness } = options;
  const identity = renewal.current();
  const { policy, staleAfterMs, leaseNamespace } = options;
  const prepared = await prepareMember(identity, deps, {
    signal,
    onWaiting: (reason) => onReadiness(() => err(reason)),
  });
  if (prepared.kind !== "prepared") {
    return prepared.kind === "refused" ? prepared.message : undefined;
  }
  const { aboutVersion, ...member } = prepared.member;
  const guard = new MembershipGuard(identity, aboutVersion, deps);
  told.leaving = guard.leaving;
  const membership = AbortSignal.any([signal, guard.leaving]);
  const paths = await pathsOf(identity.clusterId, options, deps, membership);
  if (!paths.ok) return paths.error;
  const fighting = paths.value?.fighting;
  const life = fighting === undefined ? membership : AbortSignal.any([membership, fighting]);
  const keeper = new StateKeeper({ ...deps, file: savedStateFile(options.stateDir, identity) });
  const saved = await keeper.load();
  const named = { "service.name": "isthmus-controllers", "isthmus.cluster": identity.clusterId };
  const trace = await startTracing(named, options.otlpEndpoint, deps);
  const onHop =
    trace && ((hop: Hop): void => trace.tracer.span(spanOfHop(hop, identity.clusterId)));
  const propagation = new Propagation({ ...deps, onHop });
  const link = createGrpcBrokerLink(
    {
      identity: () => renewal.current(),
      otherAddresses,
      cidrs,
      saved,
      hasNetwork: options.network !== undefined,
      keepsSlices: true,
    },
    { ...deps, propagation },
  );
  keeper.follow(link);
  told.link = link;
  const unsubscribe = renewal.subscribe(() => link.reopen(REOPEN_WITHIN_MS));
  const controllers = new MemberControllers(
    { cluster: identity.clusterId, ...member, staleAfterMs, leaseNamespace },
    {
      ...deps,
      link,
      paths: paths.value?.selector ?? untestedSelection(underlayBackend),
      ...(paths.value === undefined ? {} : { told: paths.value }),
      policy,
      propagation,
    },
  );
  told.autoExports = () => controllers.autoExports;
  onReadiness(
    reflectorsCheck(
      controllers.reflectors,
      () =>
        guard.problem ?? renewal.problem() ?? (link.hasSynced() || waitingForBroker(link.status())),
    ),
  );
  const network = networkPublisher(identity.clusterId, options.network, paths.value, {
    ...deps,
    link,
    events: controllers.events,
  });
  const slices = new SlicePublisher({ ...deps, link });
  paths.value?.selector.followStreams(peerStreams(link, deps.clock, life), life);
  const untold = options.paths.responder.toldBy(() => telling(link, network));
  link.start(life);
  await Promise.all([
    controllers.run(life),
    guard.run(life),
    network?.run(life),
    slices.run(life),
    trace?.run(life),
  ]);
  unsubscribe();
  untold();
  await keeper.stop(guard.leaving.aborted ? "discard" : "save");
  if (guard.leaving.aborted) return guard.problem;
  return fighting?.aborted === true && !signal.aborted ? String(fighting.reason) : undefined;
}

function networkPublisher(
  cluster: ClusterId,
  network: MemberNetworkOptions | undefined,
  paths: RunningPaths | undefined,
  deps: NetworkPublisherDeps,
): NetworkPublisher | undefined {
  if (network === undefined || paths === undefined) return undefined;
  return new NetworkPublisher({ cluster, ...network, abilities: paths.facts, electGateways }, deps);
}

/** Undefined where no backend is configured, or after an ordinary stop. */
async function pathsOf(
  cluster: ClusterId,
  { paths, cidrs, onReadiness, leaseNamespace }: RunMemberOptions,
  deps: RunMemberDeps,
  signal: AbortSignal,
): Promise<Result<RunningPaths | undefined, string>> {
  if (paths.backends.length === 0) return ok(undefined);
  onReadiness(() => err("waiting for Peers, PathReports and MemberNetworks to be listed"));
  const options = { ...paths, podCidrs: cidrs, namespace: leaseNamespace };
  return startPaths(cluster, options, { ...deps, probes: udpProbes(deps) }, signal);
}
