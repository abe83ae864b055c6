import { join } from "node:path";
import type { NetCluster } from "../../../sandbox/clusterset/net-clusterset.ts";
import { within } from "../../../sandbox/network/netns/run-commands.ts";
import { ManagedProcess } from "../../../sandbox/process/managed-process.ts";
import { DEPS, type NetWorld } from "./net-world.ts";

/** Where proxies listen for each other. */
export const TUNNELS = 7443;

/**
 * One proxy, on the first node of a cluster.
 * @param relayFor members whose streams to each other it passes on
 */
export function startProxy(
  world: NetWorld,
  { plan, kubeconfig }: NetCluster,
  relayFor: readonly string[] = [],
): ManagedProcess {
  const [node] = plan.nodes;
  const [address] = node?.addresses ?? [];
  if (node === undefined || address === undefined) throw new Error(`${plan.id}: no node`);
  const member = world.clusterset.processes.members.find(({ id }) => id === plan.id);
  const proxy = new ManagedProcess(
    {
      name: `${plan.id}-proxy`,
      args: [
        ...["proxy", "--kubeconfig", kubeconfig, "--context", plan.id],
        ...["--identity-dir", member?.identityDir ?? "", "--name", `${plan.id}-0`],
        ...["--address", address, "--client-host", address, "--listen", `${address}:${TUNNELS}`],
        ...["--advertise", `${address}:${TUNNELS}`, "--linger", "0s"],
        ...(relayFor.length === 0 ? [] : ["--relay-for", relayFor.join(",")]),
        ...["--health-listen", `${node.managementAddress}:8088`],
      ],
      logFile: join(world.directory, "logs", `${plan.id}-proxy.log`),
      restart: false,
      env: process.env,
      within: within(node.namespace, []),
    },
    DEPS,
  );
  proxy.start();
  return proxy;
}
