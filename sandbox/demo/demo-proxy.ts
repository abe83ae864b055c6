import { join } from "node:path";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Random } from "../../runtime/random/random.ts";
import type { ClustersetProcesses } from "../clusterset/clusterset-processes.ts";
import { doorOf, parseDoors } from "../network/pod-doors.ts";
import { ManagedProcess, type ManagedProcessDeps } from "../process/managed-process.ts";
import { type DemoMember, PROXY_PORT } from "./demo-plan.ts";

export interface DemoProxyOptions {
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly members: readonly DemoMember[];
  readonly processes: ClustersetProcesses;
}

const THROUGH_DOORS = new URL("../network/dial-through-doors.mjs", import.meta.url).href;

/** A member's proxy, a process like the others: it is the pod at `proxyIp`, and dials other pods at their addresses. */
export function demoProxy(
  member: DemoMember,
  { directory, env, members, processes }: DemoProxyOptions,
  deps: ManagedProcessDeps & { readonly clock: Clock; readonly random: Random },
): ManagedProcess {
  const doors = parseDoors(member.doors);
  const host = doors.ok ? doorOf(member.proxyIp, doors.value) : undefined;
  if (host === undefined) throw new Error(`${member.proxyIp} has no door: ${member.doors}`);
  const { id, kubeconfig, proxyIp, proxyHealthPort } = member;
  return new ManagedProcess(
    {
      name: `${id}-proxy`,
      args: [
        ...["proxy", "--kubeconfig", kubeconfig, "--context", id],
        ...["--identity-dir", processes.member(id).identityDir],
        ...["--address", proxyIp, "--client-host", host],
        ...["--listen", `${host}:${PROXY_PORT}`, "--advertise", `${proxyIp}:${PROXY_PORT}`],
        ...["--health-listen", `127.0.0.1:${proxyHealthPort}`],
        // Whoever ends a demo does not wait for connections.
        ...["--linger", "0s", "--drain", "0s"],
      ],
      logFile: join(directory, "logs", `${id}-proxy.log`),
      restart: true,
      env: {
        ...env,
        NODE_OPTIONS: `${env["NODE_OPTIONS"] ?? ""} --import=${THROUGH_DOORS}`.trim(),
        ISTHMUS_SANDBOX_DOORS: members.map(({ doors: text }) => text).join(","),
      },
    },
    deps,
  );
}
