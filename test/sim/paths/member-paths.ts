import { invariant } from "../../../api/invariant.ts";
import { OwnResponder } from "../../../cli/paths/own-responder.ts";
import type { ProbeNetwork } from "../../../cli/paths/probe-network.ts";
import { type RunningPaths, startPaths } from "../../../cli/paths/start-paths.ts";
import type { PathSettings } from "../../../connectivity/select/path-settings.ts";
import type { NetworkPublisherOptions } from "../../../controllers/network/network-publisher.ts";
import type { Changing } from "../../../runtime/config/changing.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { SIM_BACKENDS } from "../script/step.ts";
import { LEASE_NAMESPACE } from "../world/lease.ts";
import type { MemberTermDeps } from "../world/member-term.ts";
import { reportingLogger } from "../world/reporting-logger.ts";
import type { SimCluster } from "../world/sim-cluster.ts";

/** How a member takes part in connectivity. */
export interface MemberPaths {
  readonly probes: ProbeNetwork;
  readonly settings: Changing<PathSettings>;
  /** What it says about its network. */
  readonly network: Pick<NetworkPublisherOptions, "settings" | "fixed">;
}

/** Whatever a responder is told to listen at: the simulated network gives it an address. */
const ANYWHERE = { port: 7946 };

/** What answers probes in one process. */
export async function startResponder(
  { probes }: Pick<MemberPaths, "probes">,
  { id, clock }: SimCluster,
): Promise<OwnResponder> {
  const started = await OwnResponder.start(id, ANYWHERE, { clock, probes });
  invariant(started.ok, "a responder starts", { started });
  return started.value;
}

/** The program's own path selection over simulated packets. Undefined: the signal aborted first. */
export async function startMemberPaths(
  { probes, settings, network }: MemberPaths,
  { cluster, random, wiring, report }: MemberTermDeps,
  client: KubeClient,
  responder: OwnResponder,
  signal: AbortSignal,
): Promise<RunningPaths | undefined> {
  const { clock } = cluster;
  const log = reportingLogger(`paths of ${cluster.id}`, report);
  const started = await startPaths(
    cluster.id,
    {
      backends: SIM_BACKENDS,
      settings,
      ignoreCniImports: false,
      responder,
      namespace: LEASE_NAMESPACE,
      podCidrs: network.settings.podCidrs,
    },
    {
      client: wiring.pathsKube?.(client) ?? client,
      clock,
      random,
      log,
      meter: silentMeter,
      probes: wiring.probes?.(probes, clock) ?? probes,
    },
    signal,
  );
  invariant(started.ok, "paths start", { started });
  return started.value;
}
