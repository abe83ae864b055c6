import { z } from "zod";
import { PATH_REPORTS } from "../../api/network/resources.ts";
import { Dataplane } from "../../connectivity/vxlan/linux/dataplane.ts";
import { kernelWatch } from "../../connectivity/vxlan/linux/kernel-watch.ts";
import { commandRunner } from "../../connectivity/vxlan/linux/run-command.ts";
import { systemFiles } from "../../connectivity/vxlan/linux/system-files.ts";
import { NodeAgent } from "../../connectivity/vxlan/node-agent/node-agent.ts";
import { nodeAgentOwnership } from "../../connectivity/vxlan/ownership.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { pinoLogger } from "../../runtime/log/pino-log.ts";
import { networkReflectors, reflectorOf, tunnelProber } from "../network/follow-network.ts";
import { vxlanSettings, vxlanSettingsOf } from "../network/vxlan-settings.ts";
import { startMemberProcess } from "../process/member-process.ts";
import { reflectorsCheck } from "../process/reflectors-check.ts";
import { runReflected } from "../process/run-reflected.ts";
import { defineVerb } from "../verb.ts";

const LOG_NAME = "node-agent";

export const nodeAgentVerb = defineVerb({
  summary: "send a node's traffic for other clusters to the gateways (root, on every node)",
  isService: true,
  settings: z.object(vxlanSettings),
  async run({ settings, signal, env, out }) {
    const vxlan = vxlanSettingsOf(settings);
    const run = commandRunner(systemClock);
    const ownership = nodeAgentOwnership(vxlan);
    const dataplane = new Dataplane(
      {
        owner: "node-agent",
        stateDir: settings.stateDir,
        procSys: settings.procSys,
        ownership,
      },
      { run, files: systemFiles, log: pinoLogger(LOG_NAME, settings.logLevel) },
    );
    if (settings.cleanup) {
      const cleaned = await dataplane.cleanup(signal);
      if (!cleaned.ok) out.problem(cleaned.error);
      return cleaned.ok ? 0 : 1;
    }
    const started = await startMemberProcess(LOG_NAME, settings, env);
    if (!started.ok) {
      out.problem(started.error);
      return 1;
    }
    const { deps, readiness } = started.value;
    const { networks, peers, nodes } = networkReflectors(deps);
    const reports = reflectorOf(PATH_REPORTS, deps);
    const reflectors = [networks, peers, nodes, reports];
    const agent = new NodeAgent(
      { node: settings.node, settings: vxlan },
      {
        ...deps,
        run,
        dataplane,
        watchKernel: kernelWatch(ownership, { ...deps, run }),
        prober: tunnelProber(deps, signal),
        views: {
          networks: networks.view,
          peers: peers.view,
          nodes: nodes.view,
          reports: reports.view,
        },
      },
    );
    readiness.decidedBy(
      reflectorsCheck(reflectors, () => {
        const state = agent.state();
        return state.ok ? true : state.error;
      }),
    );
    await runReflected(reflectors, signal, () => agent.run(signal));
    await started.value.stop();
    return 0;
  },
});
