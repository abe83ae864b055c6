import { z } from "zod";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import { PATH_REPORTS } from "../../api/network/resources.ts";
import { parseRate } from "../../api/slices/rate.ts";
import { Reporter } from "../../connectivity/report/reporter.ts";
import { LINE_RATE_DEFAULT } from "../../connectivity/slices/slice-queues.ts";
import { SLICE_DENIED_COUNTERS, SLICE_TABLE } from "../../connectivity/slices/slice-table.ts";
import { ChosenTransport } from "../../connectivity/vxlan/gateway/chosen-transport.ts";
import {
  DeniedMetrics,
  type DeniedTable,
} from "../../connectivity/vxlan/gateway/denied-metrics.ts";
import { Gateway } from "../../connectivity/vxlan/gateway/gateway.ts";
import { PlainTransport } from "../../connectivity/vxlan/gateway/plain-transport.ts";
import { ResponderKeeper } from "../../connectivity/vxlan/gateway/responder-keeper.ts";
import { Dataplane } from "../../connectivity/vxlan/linux/dataplane.ts";
import { kernelWatch } from "../../connectivity/vxlan/linux/kernel-watch.ts";
import { commandRunner } from "../../connectivity/vxlan/linux/run-command.ts";
import { systemFiles } from "../../connectivity/vxlan/linux/system-files.ts";
import { gatewayOwnership } from "../../connectivity/vxlan/ownership.ts";
import {
  AUDIENCE_DENIED_COUNTERS,
  AUDIENCE_TABLE,
} from "../../connectivity/vxlan/plan/audience-table.ts";
import { DENIED_COUNTERS, FILTER_TABLE } from "../../connectivity/vxlan/plan/filter-table.ts";
import { currentNetwork } from "../../connectivity/vxlan/views.ts";
import { WireguardTransport } from "../../connectivity/vxlan/wireguard/wireguard-transport.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { durationSetting, listenDefault } from "../../runtime/config/common-settings.ts";
import { Reflector } from "../../runtime/kube/reflector/reflector.ts";
import { pinoLogger } from "../../runtime/log/pino-log.ts";
import { networkReflectors, reflectorOf, tunnelProber } from "../network/follow-network.ts";
import { sliceReflectors } from "../network/follow-slices.ts";
import { gatewayEndpointsSetting } from "../network/gateway-endpoints-setting.ts";
import { vxlanSettings, vxlanSettingsOf } from "../network/vxlan-settings.ts";
import { startMemberProcess } from "../process/member-process.ts";
import { reflectorsCheck } from "../process/reflectors-check.ts";
import { runReflected } from "../process/run-reflected.ts";
import { serviceOf } from "../tracing/arrived-writes.ts";
import { tracingSettings } from "../tracing/start-tracing.ts";
import { traceWrites } from "../tracing/trace-writes.ts";
import { defineVerb } from "../verb.ts";

const rateSetting = z.string().transform((text, context): number => {
  const rate = parseRate(text);
  if (rate.ok) return rate.value;
  context.addIssue({ code: "custom", message: rate.error });
  return z.NEVER;
});

const LOG_NAME = "gateway";
const DENIED_TABLES: readonly DeniedTable[] = [
  { table: FILTER_TABLE, counters: DENIED_COUNTERS },
  { table: SLICE_TABLE, counters: SLICE_DENIED_COUNTERS },
  { table: AUDIENCE_TABLE, counters: AUDIENCE_DENIED_COUNTERS },
];

export const gatewayVerb = defineVerb({
  summary: "carry traffic between this cluster's nodes and other clusters' gateways (root)",
  isService: true,
  settings: z.object({
    ...vxlanSettings,
    healthListen: listenDefault("127.0.0.1:8083", "address of /livez, /readyz and /metrics"),
    endpoint: gatewayEndpointsSetting,
    ...tracingSettings,
    rotateKeys: durationSetting("24h", "age at which a WireGuard key is replaced"),
    keyOverlap: durationSetting("10m", "how long, at least, the old key stays beside the new one"),
    lineRate: rateSetting
      .default(LINE_RATE_DEFAULT)
      .describe(
        "what this gateway can send to other clusters, such as 1Gbit: slices' floors are kept within it; default: 100Gbit, floors mean nothing on a slower line",
      ),
  }),
  async run({ settings, signal, env, out }) {
    const vxlan = vxlanSettingsOf(settings);
    const run = commandRunner(systemClock);
    const log = pinoLogger(LOG_NAME, settings.logLevel);
    const { node, endpoint: endpoints, lineRate } = settings;
    const ownership = gatewayOwnership(vxlan);
    const dataplane = new Dataplane(
      {
        owner: "gateway",
        stateDir: settings.stateDir,
        procSys: settings.procSys,
        ownership,
      },
      { run, files: systemFiles, log },
    );
    const shared = { node, endpoints, port: vxlan.wanPort };
    const transport = new ChosenTransport(
      new PlainTransport(shared, run),
      new WireguardTransport(
        {
          ...shared,
          wgPort: vxlan.wgPort,
          stateDir: settings.stateDir,
          rotateMs: settings.rotateKeys,
          overlapMs: settings.keyOverlap,
        },
        { run, files: systemFiles, clock: systemClock, log },
      ),
    );
    if (settings.cleanup) {
      for (const cleaned of [await dataplane.cleanup(signal), await transport.cleanup(signal)]) {
        if (cleaned.ok) continue;
        out.problem(cleaned.error);
        return 1;
      }
      return 0;
    }
    const started = await startMemberProcess(LOG_NAME, settings, env);
    if (!started.ok) {
      out.problem(started.error);
      return 1;
    }
    const { deps, readiness } = started.value;
    const { networks, peers, nodes } = networkReflectors(deps);
    const { scopes, known, pods, followPods } = sliceReflectors(deps);
    const slices = new Reflector<EndpointSlice>(
      { resource: ENDPOINT_SLICES, labelSelector: LABEL_SOURCE_CLUSTER },
      deps,
    );
    const reports = reflectorOf(PATH_REPORTS, deps);
    const reflectors = [networks, peers, nodes, slices, known, reports];
    const reporter = new Reporter(node, { ...deps, networks: networks.view });
    const views = {
      networks: networks.view,
      peers: peers.view,
      nodes: nodes.view,
      slices: slices.view,
      scopes: scopes.view,
      pods: pods.view,
      reports: reports.view,
    };
    const trace = await traceWrites(
      {
        otlpEndpoint: settings.otlpEndpoint,
        self: () => currentNetwork(views, () => undefined)?.network.cluster,
        process: "gateway",
        effect: "admitted",
      },
      deps,
    );
    const watch = trace && {
      saw: (slice: EndpointSlice) => trace.writes.saw(slice),
      admitted: (admitted: readonly EndpointSlice[]) => trace.writes.done(admitted.map(serviceOf)),
    };
    const gateway = new Gateway(
      { node, settings: vxlan, lineRate },
      {
        ...{ ...deps, dataplane, transport, reporter, views },
        watchKernel: kernelWatch(ownership, { ...deps, run }),
        prober: tunnelProber(deps, signal),
        watch,
      },
    );
    readiness.decidedBy(
      reflectorsCheck(reflectors, () => {
        const state = gateway.state();
        return state.ok ? true : state.error;
      }),
    );
    const denied = new DeniedMetrics({ ...deps, run, tables: DENIED_TABLES });
    const responder = new ResponderKeeper({ port: vxlan.probePort }, { ...deps, views });
    followPods(signal);
    await runReflected(reflectors, signal, async () => {
      await Promise.all([
        gateway.run(signal),
        reporter.run(signal),
        responder.run(signal),
        denied.run(signal),
        trace?.run(signal),
      ]);
    });
    await started.value.stop();
    return 0;
  },
});
