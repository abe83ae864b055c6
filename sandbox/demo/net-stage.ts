import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../runtime/clock/clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import type { Random } from "../../runtime/random/random.ts";
import { addressesIn, askDns, type DnsAnswer } from "../clusterset/ask-dns.ts";
import type { Waiting } from "../clusterset/clusterset-processes.ts";
import type { HttpAnswer } from "../clusterset/http-through-socks.ts";
import { backendArgs, type NetCluster, NetClusterset } from "../clusterset/net-clusterset.ts";
import { NetNodeProcesses, startOnAllNodes } from "../clusterset/net-node-processes.ts";
import type { ManagedProcessDeps } from "../process/managed-process.ts";
import type { ScenarioMember } from "./demo-scenario.ts";
import type { DemoStage, StageDeps } from "./demo-stage.ts";
import { mergeKubeconfigs } from "./merge-kubeconfigs.ts";
import { netPasteLines } from "./net-paste-lines.ts";

/** How clusters of network namespaces reach each other. */
export const NET_BACKENDS = ["underlay", "vxlan"] as const;
export type NetBackend = (typeof NET_BACKENDS)[number];

export interface NetStageOptions {
  readonly clusters: number;
  readonly backend: NetBackend;
  readonly directory: string;
  readonly clusterset: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

type Deps = StageDeps & ManagedProcessDeps & { readonly clock: Clock; readonly random: Random };

/** Each cluster is two nodes and their pods as network namespaces: for root on Linux, with real packets. */
export class NetStage implements DemoStage {
  readonly #options: NetStageOptions;
  readonly #deps: Deps;
  #clusterset: NetClusterset | undefined;
  #nodes: NetNodeProcesses | undefined;
  #members: readonly ScenarioMember[] = [];

  constructor(options: NetStageOptions, deps: Deps) {
    this.#options = options;
    this.#deps = deps;
  }

  get opening(): string {
    return `hub and ${this.#options.clusters} clusters of network namespaces`;
  }

  get members(): readonly ScenarioMember[] {
    return this.#members;
  }

  async open(waiting: Waiting): Promise<void> {
    const ids = Array.from({ length: this.#options.clusters }, (_, i) => `member-${i + 1}`);
    this.#clusterset = await NetClusterset.build(
      {
        ...this.#options,
        shape: {
          clusters: ids,
          underlay:
            this.#options.backend === "underlay"
              ? ids.flatMap((a, i) => ids.slice(i + 1).map((b) => [a, b] as const))
              : [],
        },
        controllersArgs: (cluster) =>
          this.#options.backend === "underlay" ? [] : backendArgs(cluster, this.#options.backend),
      },
      { ...this.#deps, log: silentLogger, meter: silentMeter },
    );
    await this.#clusterset.startBroker(waiting);
    this.#members = this.#clusterset.clusters.map((cluster) => this.#memberOf(cluster));
    writeFileSync(
      this.#kubeconfig,
      mergeKubeconfigs(
        this.#clusterset.clusters.map(({ kubeconfig }) => readFileSync(kubeconfig, "utf8")),
      ),
      { mode: 0o600 },
    );
  }

  async join(signal: AbortSignal): Promise<void> {
    await Promise.all([
      ...this.#members.map(({ kube }) => this.#deps.installCrds(kube, signal)),
      this.#opened.join(this.#deps),
    ]);
  }

  async startMembers(waiting: Waiting): Promise<void> {
    const clusterset = this.#opened;
    const nodes = new NetNodeProcesses(this.#options, this.#deps);
    this.#nodes = nodes;
    if (this.#options.backend !== "underlay") {
      startOnAllNodes(nodes, clusterset.clusters);
    }
    await clusterset.startMembers(waiting);
    const ready = clusterset.clusters.flatMap(({ plan }) =>
      plan.nodes.map((node) => nodes.ready(node, waiting)),
    );
    await Promise.all(ready);
  }

  /** All processes of ours are; pods are not. */
  isRestarted(): boolean {
    return true;
  }

  pasteLines(): readonly string[] {
    return netPasteLines(this.#opened, this.#kubeconfig);
  }

  async stop(): Promise<void> {
    await this.#nodes?.stop();
    await this.#clusterset?.stop();
  }

  get #kubeconfig(): string {
    return join(this.#options.directory, "kubeconfig");
  }

  get #opened(): NetClusterset {
    if (this.#clusterset === undefined) throw new Error("the clusters have not been started");
    return this.#clusterset;
  }

  #memberOf({ plan, kube, clients, dnsManagement: host }: NetCluster): ScenarioMember {
    const { clock } = this.#deps;
    const [client] = clients;
    const ask: ScenarioMember["ask"] = (name, type) =>
      askDns({ host, port: 53, name, type }, clock);
    return {
      id: plan.id,
      kube,
      ask,
      get: async (url): Promise<HttpAnswer> => {
        const found: DnsAnswer | undefined = await ask(url.hostname, "A");
        const [address] = addressesIn(found);
        if (address === undefined) throw new Error(`${url.hostname} does not resolve`);
        const port = Number(url.port || "80");
        const question = { kind: "http", host: address, port, path: url.pathname } as const;
        const answer = await client?.ask(question);
        if (answer?.kind === "http") return answer;
        throw new Error(answer?.kind === "failed" ? answer.why : "no client");
      },
    };
  }
}
