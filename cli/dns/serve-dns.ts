import { ENDPOINT_SLICES, type EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { NAMESPACES, type Namespace } from "../../api/kube/namespace.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { LABEL_SERVICE_NAME } from "../../api/mcs/labels.ts";
import { parseServiceImport } from "../../api/mcs/parse-service-import.ts";
import { type ServiceImport, serviceImports } from "../../api/mcs/service-import.ts";
import { PEERS } from "../../api/network/resources.ts";
import { ok, type Result } from "../../api/result.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import { startDnsServer } from "../../dns-server/dns-server.ts";
import { type AnswerOptions, parseAnswerOptions } from "../../dns-server/server-options.ts";
import { DeadPeersView } from "../../dns-server/source/dead-peers-view.ts";
import { SliceClients } from "../../dns-server/source/slice-clients.ts";
import { slimImport, slimNamespace, slimSlice } from "../../dns-server/source/slim-objects.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { parseWith } from "../../runtime/kube/reflector/parse-with.ts";
import { Reflector } from "../../runtime/kube/reflector/reflector.ts";
import { discoverMcsVersion } from "../cluster/discover-mcs-version.ts";
import { sliceReflectors } from "../network/follow-slices.ts";
import { respondFor } from "../paths/respond-for.ts";
import { followConfig } from "../process/follow-config.ts";
import type { MemberProcess } from "../process/member-process.ts";
import { reflectorsCheck } from "../process/reflectors-check.ts";
import { untilAborted } from "../process/until-aborted.ts";
import { traceWrites } from "../tracing/trace-writes.ts";
import type { ExitCode, VerbInput } from "../verb.ts";
import { answersFirst } from "./answers-first.ts";
import { collectOnce } from "./collect-once.ts";
import { answerOptions, type DnsSettings } from "./dns-settings.ts";
import { Freshness } from "./freshness.ts";
import { keepHeapSmall } from "./small-heap.ts";

export interface ServeDnsOptions {
  /** Other processes serve the same port: it is shared, and opened only once the zone is whole. @default false */
  readonly sharesPort?: boolean;
  /** Signs cookies when the settings name no secret, so that all of those processes sign alike. */
  readonly drawnCookieSecret?: string;
}

/** Answers until the signal aborts; then drains, and stops the process's own parts too. */
export async function serveDns(
  input: Pick<VerbInput<DnsSettings>, "settings" | "config" | "signal" | "onHangup" | "out">,
  started: MemberProcess,
  how: ServeDnsOptions,
): Promise<ExitCode> {
  const { settings, signal, out } = input;
  keepHeapSmall();
  const { deps, readiness } = started;
  const toAnswers = answersOf(how);
  const answers = await followConfig(input, toAnswers, deps);
  if (!answers.ok) {
    out.problem(answers.error);
    await started.stop();
    return 1;
  }
  const version = await discoverMcsVersion(deps, signal, (reason) => readiness.waitingFor(reason));
  if (version === undefined) {
    await started.stop();
    return 0;
  }
  const parse = parseWith<ServiceImport>(parseServiceImport, deps.log);
  const { otlpEndpoint, clusterId: self } = settings;
  const trace = await traceWrites(
    { otlpEndpoint, self: () => self, process: "dns", effect: "published" },
    deps,
  );
  const imports = new Reflector<ServiceImport>(
    {
      resource: serviceImports(version),
      project: (object) => {
        trace?.writes.saw(object);
        return slimImport(parse(object));
      },
    },
    deps,
  );
  const slices = new Reflector<EndpointSlice>(
    {
      resource: ENDPOINT_SLICES,
      labelSelector: LABEL_SERVICE_NAME,
      project: (slice, before) => {
        trace?.writes.saw(slice);
        return slimSlice(slice, before);
      },
    },
    deps,
  );
  const namespaces = new Reflector<Namespace>(
    { resource: NAMESPACES, project: slimNamespace },
    deps,
  );
  // Not awaited: where there are no Peers nobody is known to be dead, and slices alone decide.
  const peers = new Reflector<KubeObject>({ resource: PEERS }, deps);
  const inSlices = settings.slices ? sliceReflectors(deps) : undefined;
  const clients =
    inSlices &&
    new SliceClients({ scopes: inSlices.scopes.view, pods: inSlices.pods.view, log: deps.log });
  let hasZone = false;
  const onZone = (): void => {
    // Other settings make a first zone again, while questions wait: nothing may stop the process then.
    if (!hasZone) collectOnce();
    hasZone = true;
    answersFirst();
  };
  let openError: string | undefined;
  const failed = new AbortController();
  const onOpenFailed = (error: string): void => {
    openError = error;
    failed.abort();
  };
  const server = await startDnsServer(
    {
      ...answers.value.current,
      listen: settings.listen,
      udpEngine: settings.udpEngine,
      reusePort: how.sharesPort ?? false,
      ...(how.sharesPort === true && { onOpenFailed }),
      onZone,
      tcpIdleMs: settings.tcpIdle,
      tcpConnectionsMax: settings.tcpConnections,
      tcpConnectionsPerClientMax: settings.tcpConnectionsPerClient,
    },
    {
      ...deps,
      imports: imports.view,
      slices: slices.view,
      namespaces: namespaces.view,
      deadPeers: new DeadPeersView(peers.view),
      ...(clients !== undefined && { hides: clients.hides }),
      ...(trace !== undefined && {
        onPublished: (services: Iterable<ServiceKey>) => trace.writes.done(services),
      }),
    },
  );
  if (!server.ok) {
    out.problem(server.error);
    await started.stop();
    return 1;
  }
  const responder = how.sharesPort === true ? ok(undefined) : await respondFor(settings, deps);
  if (!responder.ok) {
    out.problem(responder.error);
    await server.value.stop();
    await started.stop();
    return 1;
  }
  const reflectors = [imports, slices, namespaces, ...(inSlices ? [inSlices.known] : [])];
  const freshness = new Freshness(reflectors, { staleAfterMs: settings.staleAfter }, deps.clock);
  readiness.decidedBy(
    reflectorsCheck(reflectors, () =>
      server.value.isReady() ? freshness.check() : "building the zone",
    ),
  );
  answers.value.subscribe(() => {
    const changed = server.value.reconfigure(answers.value.current);
    if (!changed.ok) deps.log.error("settings not applied", { err: changed.error });
  });
  // Who still asks while the server drains gets answers that are as right as ever.
  const following = new AbortController();
  for (const reflector of [...reflectors, peers]) reflector.start(following.signal);
  inSlices?.followPods(following.signal);
  freshness.start();
  const tracing = trace?.run(following.signal);
  await untilAborted(AbortSignal.any([signal, failed.signal]));
  readiness.waitingFor("stopping");
  if (!failed.signal.aborted) await sleep(deps.clock, settings.drain, following.signal);
  freshness.stop();
  following.abort();
  await tracing;
  await server.value.stop();
  responder.value?.stop();
  await started.stop();
  if (openError === undefined) return 0;
  out.problem(openError);
  return 1;
}

/** What can be wrong only in the server's eyes, a CIDR or a zone's name, is found before it is put in force. */
function answersOf({
  drawnCookieSecret: drawn,
}: ServeDnsOptions): (settings: DnsSettings) => Result<AnswerOptions, string> {
  return (settings) => {
    const options = answerOptions(settings);
    const parsed = parseAnswerOptions(options);
    if (!parsed.ok) return parsed;
    const isDrawn = drawn !== undefined && settings.cookieSecrets.length === 0;
    return ok(isDrawn ? { ...options, cookieSecrets: [drawn] } : options);
  };
}
