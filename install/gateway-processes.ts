import { SHIPPED_NAMES } from "../runtime/kube/policy/render-cluster-policy.ts";
import { flagOf } from "./flags.ts";
import type { MemberSettings } from "./member-settings.ts";
import {
  NODE_PROC_SYS,
  NODE_STATE_DIR,
  type NodeProcess,
  type NodeRule,
} from "./pieces/node-process.ts";

const GATEWAY_NAME = SHIPPED_NAMES.gatewayServiceAccount;
const NODE_AGENT_NAME = SHIPPED_NAMES.nodeAgentServiceAccount;
const LABEL = "isthmus.dev/gateway";
// Beside the UDP ports of docs/vxlan.md, and as rarely anybody else's.
const NODE_AGENT_HEALTH_PORT = 4792;
const GATEWAY_HEALTH_PORT = 4793;

const PLACES: Readonly<Record<MemberSettings["gatewayNodes"], NodeRule>> = {
  any: { key: LABEL, operator: "NotIn", values: ["false"] },
  labelled: { key: LABEL, operator: "In", values: ["true"] },
};

export function runsGateways({ gateway, backends }: MemberSettings): boolean {
  return gateway ?? backends.includes("vxlan");
}

export function runsNodeAgents({ nodeAgent, backends }: MemberSettings): boolean {
  return nodeAgent ?? backends.includes("vxlan");
}

export function gatewayProcess(settings: MemberSettings): NodeProcess {
  const process = common(settings, "gateway", GATEWAY_HEALTH_PORT);
  return {
    ...process,
    args: [...process.args, ...flagOf("otlp-endpoint", settings.otlpEndpoint)],
    name: GATEWAY_NAME,
    memoryLimit: settings.gatewayMemoryLimit,
    nodes: [PLACES[settings.gatewayNodes]],
    cleanup: settings.cleanNodes ? [cleanup("gateway")] : undefined,
  };
}

/** On every node; so its cleaning is that of gateways too, which may have been there before. */
export function nodeAgentProcess(settings: MemberSettings): NodeProcess {
  return {
    ...common(settings, "node-agent", NODE_AGENT_HEALTH_PORT),
    name: NODE_AGENT_NAME,
    memoryLimit: settings.nodeAgentMemoryLimit,
    nodes: [],
    cleanup: settings.cleanNodes ? [cleanup("gateway"), cleanup("node-agent")] : undefined,
  };
}

function common(settings: MemberSettings, verb: string, healthPort: number) {
  const { namespace, netImage: image, imagePullPolicy, logLevel } = settings;
  return {
    ...{ namespace, image, imagePullPolicy, healthPort },
    args: [
      verb,
      "--node=$(NODE_NAME)",
      `--state-dir=${NODE_STATE_DIR}`,
      `--proc-sys=${NODE_PROC_SYS}`,
      `--health-listen=[$(HOST_IP)]:${healthPort}`,
      `--log-level=${logLevel}`,
    ],
    fields: { NODE_NAME: "spec.nodeName", HOST_IP: "status.hostIP" },
    ports: [],
  } as const;
}

function cleanup(verb: string): readonly string[] {
  return [
    verb,
    "--cleanup",
    "--node=$(NODE_NAME)",
    `--state-dir=${NODE_STATE_DIR}`,
    `--proc-sys=${NODE_PROC_SYS}`,
  ];
}
