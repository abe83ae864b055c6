import { isIPv6 } from "node:net";
import type { ClusterId } from "../../api/cluster-id.ts";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import type { IpFamily } from "../../api/kube/service.ts";
import { LABEL_KUBE_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import type { BackendName } from "../../api/network/backend-name.ts";
import type { NetworkFacts } from "../../api/network/network-facts.ts";
import { MEMBER_NETWORKS, PATH_REPORTS, PEERS } from "../../api/network/resources.ts";
import { RESPONDERS_SERVICE } from "../../api/network/responders-service.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Backend } from "../../connectivity/backend.ts";
import { overlayBackend } from "../../connectivity/overlay-cni/overlay-backend.ts";
import { OverlayWatch } from "../../connectivity/overlay-cni/overlay-watch.ts";
import { listResponders } from "../../connectivity/probe/list-responders.ts";
import {
  DEFAULT_MTU_SETTINGS,
  DEFAULT_PROBE_SETTINGS,
  DEFAULT_REFUSAL_SETTINGS,
} from "../../connectivity/probe/probe-settings.ts";
import { Prober } from "../../connectivity/probe/prober.ts";
import { PortKeeper } from "../../connectivity/proxy/listen/port-keeper.ts";
import { PortTable } from "../../connectivity/proxy/listen/port-table.ts";
import { proxyBackend } from "../../connectivity/proxy/proxy-backend.ts";
import { ownNetwork } from "../../connectivity/select/own-network.ts";
import { PathMetrics } from "../../connectivity/select/path-metrics.ts";
import { PathSelector } from "../../connectivity/select/path-selector.ts";
import type { PathSettings } from "../../connectivity/select/path-settings.ts";
import { underlayBackend } from "../../connectivity/underlay/underlay-backend.ts";
import { vxlanBackend } from "../../connectivity/vxlan/vxlan-backend.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Changing } from "../../runtime/config/changing.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { ObjectView } from "../../runtime/kube/object-view.ts";
import { Reflector } from "../../runtime/kube/reflector/reflector.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { Random } from "../../runtime/random/random.ts";
import type { ToldResponder } from "./own-responder.ts";
import type { ProbeNetwork } from "./probe-network.ts";

export interface PathOptions {
  readonly backends: readonly BackendName[];
  readonly settings: Changing<PathSettings>;
  /** Start though the CNI imports services itself. */
  readonly ignoreCniImports: boolean;
  /** What answers probes in this process. */
  readonly responder: ToldResponder;
  /** Of the Service whose pods answer probes (RESPONDERS_SERVICE). */
  readonly namespace: string;
}

export interface RunningPaths {
  readonly selector: PathSelector;
  readonly peers: ObjectView<KubeObject>;
  /** What of this cluster's network is known here. */
  readonly facts: Changing<Pick<NetworkFacts, "backends" | "responders" | "overlay">>;
  /** Aborts, with the text for an admin, when the CNI has begun to import services itself: nothing may be written any more. */
  readonly fighting: AbortSignal;
}

export interface PathDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
  readonly probes: ProbeNetwork;
}

/**
 * Probes, and chooses the path to each peer until the signal aborts. Ready to be asked when it resolves: what
 * an earlier process chose is known then.
 * @returns what an admin must mend; undefined when the signal aborted first.
 */
export async function startPaths(
  cluster: ClusterId,
  options: PathOptions & { readonly podCidrs: readonly string[] },
  deps: PathDeps,
  signal: AbortSignal,
): Promise<Result<RunningPaths | undefined, string>> {
  const reflect = (resource: Resource): Reflector<KubeObject> =>
    new Reflector<KubeObject>({ resource }, deps);
  const peers = reflect(PEERS);
  const reports = reflect(PATH_REPORTS);
  const members = reflect(MEMBER_NETWORKS);
  // The record of the ports that local proxies listen on: of nobody else's use.
  const slices = new Reflector<EndpointSlice>(
    {
      resource: ENDPOINT_SLICES,
      labelSelector: `${LABEL_SOURCE_CLUSTER},${LABEL_SOURCE_CLUSTER}!=${cluster}`,
      project: slimPeerSlice,
    },
    deps,
  );
  const responders = new Reflector<EndpointSlice>(
    {
      resource: ENDPOINT_SLICES,
      namespace: options.namespace,
      labelSelector: `${LABEL_KUBE_SERVICE_NAME}=${RESPONDERS_SERVICE}`,
    },
    deps,
  );
  const overlay = new OverlayWatch(deps);
  if (options.backends.includes("overlay-cni")) await overlay.start(signal);
  const fight = (): string | undefined =>
    options.ignoreCniImports ? undefined : whyNotToImport(overlay.current?.importsServices);
  const fightAtStart = fight();
  if (fightAtStart !== undefined) return err(fightAtStart);
  const fighting = new AbortController();
  overlay.subscribe(() => {
    const problem = fight();
    if (problem !== undefined) fighting.abort(problem);
  });
  const known: { selector?: PathSelector } = {};
  const proxies = (peer?: ClusterId): readonly string[] => known.selector?.proxies(peer) ?? [];
  const ports = new PortKeeper({ ...deps, table: new PortTable(), slices: slices.view, proxies });
  const makers: Readonly<Record<BackendName, () => Backend>> = {
    underlay: () => underlayBackend,
    "overlay-cni": () => overlayBackend,
    vxlan: () => vxlanBackend((peer) => known.selector?.facts(peer)?.globalPrefixes ?? []),
    proxy: () =>
      proxyBackend({ ports, localProxies: (family, peer) => ofFamily(family, proxies(peer)) }),
  };
  const backends = options.backends.map((name) => makers[name]());
  const prober = new Prober(
    {
      ...DEFAULT_PROBE_SETTINGS,
      mtu: DEFAULT_MTU_SETTINGS,
      refusal: DEFAULT_REFUSAL_SETTINGS,
    },
    { ...deps, ...deps.probes },
    signal,
  );
  const { podCidrs, settings, responder } = options;
  const selector = new PathSelector({
    ...deps,
    backends,
    peers: peers.view,
    reports: reports.view,
    own: ownNetwork({ cluster, podCidrs, members: members.view, overlay, log: deps.log }),
    settings,
    prober,
  });
  known.selector = selector;
  const usesProxy = options.backends.includes("proxy");
  const reflectors = [peers, reports, members, responders, ...(usesProxy ? [slices] : [])];
  for (const reflector of reflectors) reflector.start(signal);
  for (const reflector of reflectors) {
    if (!(await reflector.synced(signal))) return ok(undefined);
  }
  selector.start(signal);
  if (usesProxy) ports.start(signal);
  new PathMetrics(selector, deps).start(signal);
  const facts = {
    get current() {
      const own = overlay.current;
      return {
        backends: options.backends,
        responders: listResponders({
          own: responder.current,
          parted: responder.parted,
          slices: responders.view.values(),
        }),
        ...(own === undefined ? {} : { overlay: { mesh: own.mesh, id: own.id } }),
      };
    },
    subscribe(listener: () => void) {
      const stops = [
        overlay.subscribe(listener),
        responder.subscribe(listener),
        responders.view.subscribe(listener),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
  return ok({ selector, peers: peers.view, facts, fighting: fighting.signal });
}

function whyNotToImport(importer: string | undefined): string | undefined {
  return importer === undefined
    ? undefined
    : `cannot import: ${importer} imports services into this cluster already, and two would fight over ServiceImports; turn it off, or use --ignore-cni-imports`;
}

/** Only what the ports are read from. */
function slimPeerSlice({ apiVersion, kind, metadata, ...slice }: EndpointSlice): EndpointSlice {
  const endpoints = (slice.endpoints ?? []).map(({ addresses }) => ({ addresses }));
  return {
    apiVersion,
    kind,
    metadata,
    addressType: slice.addressType,
    endpoints,
    ports: slice.ports ?? [],
  };
}

function ofFamily(family: IpFamily, addresses: readonly string[]): readonly string[] {
  return addresses.filter((address) => isIPv6(address) === (family === "IPv6"));
}
