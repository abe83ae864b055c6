import { readFileSync } from "node:fs";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Random } from "../../runtime/random/random.ts";
import { askDns } from "../clusterset/ask-dns.ts";
import type { Waiting } from "../clusterset/clusterset-processes.ts";
import { httpThroughSocks } from "../clusterset/http-through-socks.ts";
import { joinMember } from "../clusterset/join-member.ts";
import type { DemoClusterset } from "./demo-clusterset.ts";
import type { ScenarioMember } from "./demo-scenario.ts";
import type { DemoStage, StageDeps } from "./demo-stage.ts";
import { mergeKubeconfigs } from "./merge-kubeconfigs.ts";
import { pasteLines } from "./paste-lines.ts";

type Deps = StageDeps & { readonly clock: Clock; readonly random: Random };

/** Each cluster is a process with a userland network: for anybody, anywhere. */
export class UserlandStage implements DemoStage {
  readonly #clusterset: DemoClusterset;
  readonly #deps: Deps;
  #members: readonly ScenarioMember[] = [];

  constructor(clusterset: DemoClusterset, deps: Deps) {
    this.#clusterset = clusterset;
    this.#deps = deps;
  }

  get opening(): string {
    return `hub and ${this.#clusterset.members.length} clusters, each its own process`;
  }

  get members(): readonly ScenarioMember[] {
    return this.#members;
  }

  async open(waiting: Waiting): Promise<void> {
    const { processes, members } = this.#clusterset;
    processes.broker.start();
    await Promise.all([
      this.#clusterset.startClusters(waiting),
      processes.ready(processes.broker, processes.brokerHealthPort, waiting),
    ]);
    this.#clusterset.writeKubeconfig(
      mergeKubeconfigs(members.map(({ kubeconfig }) => readFileSync(kubeconfig, "utf8"))),
    );
    const { clock, connect } = this.#deps;
    this.#members = members.map(({ id, socksPort }) => {
      const { dnsPort: port } = processes.member(id);
      return {
        id,
        kube: connect(this.#clusterset.kubeconfig, id),
        ask: (name, type) => askDns({ port, name, type }, clock),
        get: (url) => httpThroughSocks(socksPort, url, { clock }),
      };
    });
  }

  async join(signal: AbortSignal): Promise<void> {
    const { processes } = this.#clusterset;
    await Promise.all(
      this.#members.map(async ({ id, kube }) => {
        await Promise.all([
          this.#deps.installCrds(kube, signal),
          joinMember(processes.member(id), processes, this.#deps),
        ]);
      }),
    );
  }

  async startMembers(waiting: Waiting): Promise<void> {
    const { processes } = this.#clusterset;
    for (const { controllers, dns } of processes.members) {
      controllers.start();
      dns.start();
    }
    for (const proxy of this.#clusterset.proxies) proxy.start();
    await Promise.all(
      processes.members.flatMap((member) => [
        processes.ready(member.controllers, member.controllersHealthPort, waiting),
        processes.ready(member.dns, member.dnsHealthPort, waiting),
      ]),
    );
    await Promise.all(
      this.#clusterset.proxies.map((proxy, at) =>
        processes.ready(proxy, this.#clusterset.members[at]?.proxyHealthPort ?? 0, waiting),
      ),
    );
  }

  isRestarted(name: string): boolean {
    return this.#clusterset.isRestarted(name);
  }

  pasteLines(): readonly string[] {
    return pasteLines(this.#clusterset);
  }

  stop(): Promise<void> {
    return this.#clusterset.stop();
  }
}
