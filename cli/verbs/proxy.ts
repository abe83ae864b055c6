import { ENDPOINT_SLICES, type EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { PODS, type PodPlace } from "../../api/kube/pod.ts";
import { LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import { parseServiceExport } from "../../api/mcs/parse-service-export.ts";
import { parseServiceImport } from "../../api/mcs/parse-service-import.ts";
import { type ServiceExport, serviceExports } from "../../api/mcs/service-export.ts";
import { type ServiceImport, serviceImports } from "../../api/mcs/service-import.ts";
import { MEMBER_NETWORKS, PEERS } from "../../api/network/resources.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import { parseTrustedAuthorities } from "../../broker/identity/member/trusted-authorities.ts";
import { parsePeerIdentity } from "../../broker/identity/peer-identity.ts";
import { exportPolicy } from "../../connectivity/proxy/dial/export-policy.ts";
import {
  addressesOfPod,
  BY_ADDRESS,
  namespaceOfClient,
  projectPod,
} from "../../connectivity/proxy/listen/client-namespaces.ts";
import { ProxyNode } from "../../connectivity/proxy/proxy-node.ts";
import type {
  ReadCluster,
  TunnelIdentity,
} from "../../connectivity/proxy/tunnel/tunnel-identity.ts";
import { parseWith } from "../../runtime/kube/reflector/parse-with.ts";
import { Reflector } from "../../runtime/kube/reflector/reflector.ts";
import { parseListenAddress } from "../../runtime/net/listen-address.ts";
import { discoverMcsVersion } from "../cluster/discover-mcs-version.ts";
import { identityPlaceOf } from "../membership/identity-place.ts";
import { identityAppears, loadIdentity } from "../membership/member-identity.ts";
import { renewIdentity } from "../membership/renew-identity.ts";
import { reflectorOf } from "../network/follow-network.ts";
import { type MemberProcess, startMemberProcess } from "../process/member-process.ts";
import { reflectorsCheck } from "../process/reflectors-check.ts";
import { runReflected } from "../process/run-reflected.ts";
import { followProxyWorld } from "../proxy/follow-proxy-world.ts";
import { withAuthorization } from "../proxy/http-proxy-authorization.ts";
import { type ProxySettings, proxyNodeOptions, proxySettings } from "../proxy/proxy-settings.ts";
import { traceWrites } from "../tracing/trace-writes.ts";
import { defineVerb } from "../verb.ts";

export const proxyVerb = defineVerb({
  summary: "carry connections to and from other members, one by one, over a single TCP port",
  isService: true,
  settings: proxySettings,
  async run({ settings, signal, env, out }) {
    const started = await startMemberProcess("proxy", settings, env);
    if (!started.ok) {
      out.problem(started.error);
      return 1;
    }
    const { deps, readiness } = started.value;
    const place = identityPlaceOf(settings, () => ok(deps.client), { ...deps, signal });
    // A pod may start before the controllers of its member have joined.
    if (place.ok && settings.identitySecret !== undefined) {
      await identityAppears(place.value, deps, signal, (reason) => readiness.waitingFor(reason));
    }
    if (signal.aborted) {
      await started.value.stop();
      return 0;
    }
    const identity = place.ok ? await loadIdentity(place.value) : place;
    if (!place.ok || !identity.ok) {
      await started.value.stop();
      if (!identity.ok) out.problem(identity.error);
      return 1;
    }
    const sources = { store: place.value.store, otherAddresses: settings.broker };
    const renewal = renewIdentity(identity.value, sources, deps);
    const renewing = renewal.run(signal);
    const problem = await serveProxy(settings, { renewal, started: started.value, signal });
    if (problem === undefined) await renewing;
    await started.value.stop();
    if (problem === undefined) return 0;
    out.problem(problem);
    return 1;
  },
});

/** @returns why it could not start; undefined after an ordinary stop. */
async function serveProxy(
  settings: ProxySettings,
  {
    renewal,
    started,
    signal,
  }: {
    readonly renewal: ReturnType<typeof renewIdentity>;
    readonly started: MemberProcess;
    readonly signal: AbortSignal;
  },
): Promise<string | undefined> {
  const { deps, readiness } = started;
  const authorized = await withAuthorization(settings);
  const options = authorized.ok ? proxyNodeOptions(authorized.value) : authorized;
  if (!options.ok) return options.error;
  const identity = tunnelIdentity(renewal.current());
  if (!identity.ok) return identity.error;
  const version = await discoverMcsVersion(deps, signal, (reason) => readiness.waitingFor(reason));
  if (version === undefined) return undefined;
  const { log } = deps;
  const slices = new Reflector<EndpointSlice>(
    { resource: ENDPOINT_SLICES, labelSelector: LABEL_SOURCE_CLUSTER },
    deps,
  );
  const exports = new Reflector<ServiceExport>(
    { resource: serviceExports(version), project: parseWith(parseServiceExport, log) },
    deps,
  );
  const imports = new Reflector<ServiceImport>(
    { resource: serviceImports(version), project: parseWith(parseServiceImport, log) },
    deps,
  );
  const peers = reflectorOf(PEERS, deps);
  const networks = reflectorOf(MEMBER_NETWORKS, deps);
  const pods = settings.clientNamespaces
    ? new Reflector<PodPlace>(
        { resource: PODS, project: projectPod, indexes: { [BY_ADDRESS]: addressesOfPod } },
        deps,
      )
    : undefined;
  const node = new ProxyNode(options.value, {
    ...deps,
    identity: identity.value,
    readCluster: readClusterOf(renewal.current().clusterset),
    policyOf: (service) => {
      const found = exports.view.get(service);
      return found === undefined ? undefined : exportPolicy(found.metadata.annotations);
    },
    importOf: (service) => imports.view.get(service)?.spec,
    namespaceOf: (address) => (pods === undefined ? "" : namespaceOfClient(pods.view, address)),
    onPeerChanged: () => world.refresh(),
  });
  const trace = await traceWrites(
    {
      otlpEndpoint: settings.otlpEndpoint,
      self: () => identity.value.cluster,
      process: "proxy",
      effect: "listening",
    },
    deps,
  );
  const world = followProxyWorld(
    { name: settings.name, advertise: settings.advertise, clientAddresses: settings.address },
    {
      ...deps,
      writes: trace?.writes,
      node,
      slices: slices.view,
      peers: peers.view,
      networks: networks.view,
    },
  );
  if (settings.listen !== "none") {
    const address = parseListenAddress(settings.listen);
    const bound = address.ok ? await node.listen(address.value) : address;
    if (!bound.ok) {
      await node.stop(0);
      return bound.error;
    }
    log.info("listening for tunnels", { ...bound.value });
  }
  const unsubscribe = renewal.subscribe(() => {
    const renewed = tunnelIdentity(renewal.current());
    if (renewed.ok) node.setIdentity(renewed.value);
    else log.error("renewed identity not used", { err: renewed.error });
  });
  const reflectors = [
    slices,
    exports,
    imports,
    peers,
    networks,
    ...(pods === undefined ? [] : [pods]),
  ];
  readiness.decidedBy(
    reflectorsCheck(reflectors, () => {
      const [problem] = node.listeners.problems;
      return renewal.problem() ?? problem ?? true;
    }),
  );
  // What may be dialled, and by whom, is followed while open connections end in their time.
  const following = new AbortController();
  const followed = runReflected(reflectors, following.signal, () => world.run(following.signal));
  const tracing = trace?.run(following.signal);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  readiness.waitingFor("stopping");
  unsubscribe();
  world.withdraw("clients");
  await node.linger(settings.linger);
  world.withdraw("peers");
  await node.stop(settings.drain);
  following.abort();
  await Promise.all([followed, tracing]);
  return undefined;
}

function tunnelIdentity(identity: MemberIdentity): Result<TunnelIdentity, string> {
  const authorities = parseTrustedAuthorities(identity.caPem);
  if (!authorities.ok) return authorities;
  const { clusterId: cluster, keyPem, certPem } = identity;
  return ok({ cluster, keyPem, certPem, authorities: authorities.value.map(String) });
}

/** Members of this clusterset, whoever else the authority may have signed for. */
function readClusterOf(clusterset: string): ReadCluster {
  return (der) => {
    const peer = parsePeerIdentity(der);
    if (!peer.ok) return peer;
    return peer.value.clusterset === clusterset
      ? ok(peer.value.clusterId)
      : err(
          `cannot accept peer: must be of clusterset ${clusterset}: got ${peer.value.clusterset}`,
        );
  };
}
