import { renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { err, ok, type Result } from "../../api/result.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { listenDefault, logLevelSetting } from "../../runtime/config/common-settings.ts";
import { HealthServer } from "../../runtime/http/health-server.ts";
import { pinoLogger } from "../../runtime/log/pino-log.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import { formatListenAddress } from "../../runtime/net/listen-address.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { kubeconfigText } from "../../sandbox/apiserver/auth/kubeconfig.ts";
import { createApiServer } from "../../sandbox/apiserver/create-api-server.ts";
import type { PeerNetwork } from "../../sandbox/network/member-network-options.ts";
import { admitOutside, PodDoors, parseDoors } from "../../sandbox/network/pod-doors.ts";
import { startMemberNode } from "../../sandbox/node/member-node.ts";
import { connectKube } from "../cluster/connect-kube.ts";
import { untilAborted } from "../process/until-aborted.ts";
import { defineVerb } from "../verb.ts";

const peer = z.string().transform((text, context): PeerNetwork => {
  const [cidr, fabric] = text.split("=");
  if (cidr !== undefined && fabric !== undefined) return { cidrs: [cidr], fabric };
  context.addIssue({ code: "custom", message: "must be cidr=host:port" });
  return z.NEVER;
});

export const sandboxMemberVerb = defineVerb({
  summary: "one embedded cluster: API server, pods and network",
  settings: z.object({
    name: z.string().describe("cluster, context and user name in the kubeconfig"),
    podCidrs: z.array(z.string()).describe("pod addresses, one CIDR per family"),
    serviceCidrs: z.array(z.string()).describe("ClusterIPs, one CIDR per family"),
    apiListen: listenDefault("127.0.0.1:0", "address of the Kubernetes API"),
    socksListen: listenDefault("127.0.0.1:0", "SOCKS5 entry: a shell inside this cluster"),
    fabricListen: listenDefault("127.0.0.1:0", "where other members' packets come in"),
    healthListen: listenDefault("127.0.0.1:0", "address of /livez, /readyz and /metrics"),
    dns: z.string().optional().describe("DNS server of the shell, host:port"),
    peers: z.array(peer).default([]).describe("other members' pod networks, cidr=host:port"),
    doors: z
      .string()
      .optional()
      .describe("addresses of this machine at which pods are open too: <10.1.0.>=<127.40.3.>"),
    outside: z
      .array(z.string())
      .default([])
      .describe("addresses of pods that are processes of their own, with --doors"),
    kubeconfigOut: z.string().describe("file that receives the administrator's kubeconfig"),
    logLevel: logLevelSetting,
  }),
  async run({ settings, signal, env, out }) {
    const doors = settings.doors === undefined ? undefined : parseDoors(settings.doors);
    if (doors?.ok === false) {
      out.problem(doors.error);
      return 2;
    }
    const log = pinoLogger(settings.name, settings.logLevel);
    const meter = new PrometheusMeter();
    const base = { clock: systemClock, random: systemRandom, log, meter };
    const { apiListen } = settings;
    const server = await createApiServer(
      {
        listen: { host: apiListen.host ?? "127.0.0.1", port: apiListen.port },
        serviceCidrs: settings.serviceCidrs,
      },
      base,
    );
    if (!server.ok) {
      out.problem(server.error);
      return 1;
    }
    await server.value.start();
    writeWhole(
      settings.kubeconfigOut,
      kubeconfigText([server.value.kubeconfigEntry(settings.name)]),
    );
    const kube = connectKube({ kubeconfig: settings.kubeconfigOut }, env, meter);
    if (!kube.ok) {
      out.problem(kube.error);
      return 1;
    }
    const node = await startMemberNode(
      {
        cluster: settings.name,
        podCidrs: settings.podCidrs,
        serviceCidrs: settings.serviceCidrs,
        socksListen: formatListenAddress(settings.socksListen),
        fabricListen: formatListenAddress(settings.fabricListen),
        peers: settings.peers,
        ...(settings.dns === undefined ? {} : { dnsServer: settings.dns }),
      },
      {
        ...base,
        kube: kube.value.client,
        ...(doors === undefined
          ? {}
          : {
              runtimeAround: (runtime, directory) => {
                for (const ip of settings.outside) admitOutside(ip, doors.value, directory);
                return new PodDoors(runtime, { ...base, directory, doors: doors.value });
              },
            }),
      },
    );
    if (!node.ok) {
      out.problem(node.error);
      await server.value.stop();
      return 1;
    }
    const health = new HealthServer(
      {
        listen: settings.healthListen,
        livez: { process: () => ok("running") },
        readyz: {
          cluster: (): Result<string, string> => (signal.aborted ? err("stopping") : ok("up")),
        },
      },
      { log, metrics: meter },
    );
    const bound = await health.start();
    if (!bound.ok) {
      out.problem(bound.error);
      return 1;
    }
    await untilAborted(signal);
    await health.stop();
    await node.value.stop();
    await server.value.stop();
    return 0;
  },
});

/** Whoever waits for the file never reads half of it. */
function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
