import { ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { PodDirectory } from "../../network/pod-directory.ts";
import type { PodRuntime, PodTask, RunningPodServers } from "./pod-runtime.ts";
import { PodServers } from "./pod-servers.ts";

/** Pods as servers in this process, whose addresses the userland network leads to. */
export class LoopbackPods implements PodRuntime {
  readonly #directory: PodDirectory;
  readonly #clock: Clock;

  constructor(directory: PodDirectory, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  async run({ identity, ips, ports }: PodTask): Promise<Result<RunningPodServers, string>> {
    const servers = await PodServers.start(identity, ports, this.#clock);
    if (!servers.ok) return servers;
    const unregister = ips.map((ip) => this.#directory.register(ip, servers.value.sockets));
    return ok({
      stop: () => {
        for (const away of unregister) away();
        return servers.value.stop();
      },
    });
  }
}
