import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONFIG_MAPS, type ConfigMap } from "../../../api/kube/config-map.ts";
import { DEPLOYMENTS } from "../../../api/kube/deployment.ts";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { NAMESPACES } from "../../../api/kube/namespace.ts";
import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import { SERVICES, type Service } from "../../../api/kube/service.ts";
import { type ServiceExport, serviceExports } from "../../../api/mcs/service-export.ts";
import { type ServiceImport, serviceImports } from "../../../api/mcs/service-import.ts";
import { err } from "../../../api/result.ts";
import { ClusterReader } from "../../../cli/cluster/cluster-reader.ts";
import { connectKube } from "../../../cli/cluster/connect-kube.ts";
import { installCrds } from "../../../cli/cluster/install-crds.ts";
import { ensureSystemNamespace, SYSTEM_NAMESPACE } from "../../../cli/cluster/system-namespace.ts";
import { collectFacts } from "../../../cli/explain/collect/collect-facts.ts";
import { type Explanation, explain } from "../../../cli/explain/explain.ts";
import { explainText } from "../../../cli/explain/explain-text.ts";
import { derivedServiceName } from "../../../controllers/import/derived-service/derived-service-name.ts";
import { systemClock as clock } from "../../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { systemRandom as random } from "../../../runtime/random/system-random.ts";
import type { MemberProcesses } from "../../../sandbox/clusterset/clusterset-processes.ts";
import { joinMember } from "../../../sandbox/clusterset/join-member.ts";
import { DemoClusterset } from "../../../sandbox/demo/demo-clusterset.ts";
import type { Deployment } from "../../../sandbox/node/kinds/deployment.ts";
import { until } from "../../../sandbox/process/until.ts";

/** What the hub lets nobody do, or not everybody: a quota of endpoints, and a slice that member-1 is not in. */
const HUB_POLICY = `
clusters:
  member-1: { maxEndpoints: 40 }
slices:
  payments: { clusters: [member-2], namespaces: [pay] }
`;
const CONTROLLERS_ARGS = [
  ...["--backends", "underlay", "--probe-listen", ":0"],
  ...["--export-deny", "kube-*,closed", "--import-deny", "kube-*,sealed"],
];
const START_MS = 60_000;

export interface ExplainedMember {
  readonly id: string;
  readonly client: KubeClient;
  readonly processes: MemberProcesses;
  readonly kubeconfig: string;
  readonly socksPort: number;
}

/** Two embedded clusters with all of the program's processes, to break things in and ask what is wrong. */
export class ExplainWorld implements AsyncDisposable {
  readonly directory: string;
  readonly members: readonly ExplainedMember[];
  readonly demo: DemoClusterset;
  readonly #abort: AbortController;

  private constructor(
    directory: string,
    demo: DemoClusterset,
    members: readonly ExplainedMember[],
    abort: AbortController,
  ) {
    this.directory = directory;
    this.demo = demo;
    this.members = members;
    this.#abort = abort;
  }

  static async start(): Promise<ExplainWorld> {
    const directory = mkdtempSync(join(tmpdir(), "isthmus-explain-"));
    const abort = new AbortController();
    const deps = { clock, random };
    mkdirSync(join(directory, "hub"));
    const policy = join(directory, "policy.yaml");
    writeFileSync(policy, HUB_POLICY);
    const demo = await DemoClusterset.plan(
      {
        ...{ directory, clusterset: "explained", clusters: 2, env: process.env },
        controllersArgs: CONTROLLERS_ARGS,
        brokerArgs: ["--policy", policy],
      },
      deps,
    );
    const { processes } = demo;
    const waiting = { timeoutMs: START_MS, signal: abort.signal };
    processes.broker.start();
    await demo.startClusters(waiting);
    await processes.ready(processes.broker, processes.brokerHealthPort, waiting);
    const members = await Promise.all(
      demo.members.map(async ({ id, kubeconfig, socksPort }): Promise<ExplainedMember> => {
        const kube = connectKube({ kubeconfig, context: id }, {}, silentMeter);
        if (!kube.ok) throw new Error(kube.error);
        const { client } = kube.value;
        const installed = await installCrds(client, clock, abort.signal);
        if (!installed.ok) throw new Error(installed.error);
        const ensured = await ensureSystemNamespace(client, abort.signal);
        if (!ensured.ok) throw new Error(ensured.error.message);
        const member = processes.member(id);
        await joinMember(member, processes, deps);
        member.controllers.start();
        member.dns.start();
        return { id, client, processes: member, kubeconfig, socksPort };
      }),
    );
    const world = new ExplainWorld(directory, demo, members, abort);
    for (const member of members) {
      await world.put(member, NAMESPACES, {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: "kube-system" },
      });
      await world.setCorefile(member, goodCorefile(member));
    }
    return world;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  member(index: number): ExplainedMember {
    const found = this.members[index];
    if (found === undefined) throw new Error(`there is no member ${index}`);
    return found;
  }

  /** What `isthmus explain` does, without a process for each look. */
  async explain(member: ExplainedMember, service: string, to?: string): Promise<Explanation> {
    const [namespace = "", name = ""] = service.split("/");
    const facts = await collectFacts(
      {
        target: { namespace, name },
        systemNamespace: SYSTEM_NAMESPACE,
        zone: "clusterset.local",
        entry: { kind: "socks", host: "127.0.0.1", port: member.socksPort },
        dns: { host: "127.0.0.1", port: member.processes.dnsPort },
        ...(to === undefined ? {} : { client: to }),
      },
      {
        client: member.client,
        forward: () => Promise.resolve(err("nothing is forwarded here")),
        reader: new ClusterReader(member.client, this.signal),
        clock,
        random,
        signal: this.signal,
      },
    );
    return explain(facts);
  }

  /** Looks until the first thing that is wrong is this one; `undefined`: until nothing is. */
  async named(
    member: ExplainedMember,
    service: string,
    wanted: { readonly check: string; readonly says: RegExp } | undefined,
    to?: string,
  ): Promise<Explanation> {
    let last: Explanation | undefined;
    try {
      return await until(
        `explain to name ${wanted?.check ?? "nothing"}`,
        async () => {
          last = await this.explain(member, service, to);
          const { firstWrong, untested } = last;
          const isIt =
            wanted === undefined
              ? firstWrong === undefined && untested === 0
              : firstWrong?.check === wanted.check && wanted.says.test(firstWrong.says);
          return isIt ? last : undefined;
        },
        { clock, timeoutMs: 30_000, signal: this.signal, everyMs: 100 },
      );
    } catch (error) {
      const seen = last === undefined ? "nothing" : explainText(last);
      throw new Error(`wanted ${wanted?.check ?? "nothing wrong"}: last seen\n${seen}`, {
        cause: error,
      });
    }
  }

  async put(member: ExplainedMember, resource: Resource, object: KubeObject): Promise<void> {
    const made = await member.client.create(resource, object, { signal: this.signal });
    if (!made.ok && made.error.kind !== "already-exists") throw new Error(made.error.message);
  }

  async namespace(name: string, members = this.members): Promise<void> {
    for (const member of members) {
      await this.put(member, NAMESPACES, {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name },
      });
    }
  }

  /** A Service without selector, and an endpoint of it by hand. */
  async service(
    member: ExplainedMember,
    at: string,
    spec: Partial<Service["spec"]> = {},
    endpoints: EndpointSlice["endpoints"] = [{ addresses: ["10.1.200.1"] }],
  ): Promise<void> {
    const [namespace = "", name = ""] = at.split("/");
    const metadata = { namespace, name };
    const ports = [{ name: "http", port: 80, targetPort: 8080 }];
    await this.put(member, SERVICES, {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { ports, ...spec },
    } as KubeObject);
    await this.put(member, ENDPOINT_SLICES, {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
      endpoints,
    } as KubeObject);
  }

  /** A Service of one pod that listens on 8080. */
  async pods(member: ExplainedMember, at: string, targetPort = 8080): Promise<void> {
    const [namespace = "", name = ""] = at.split("/");
    const labels = { app: name };
    await this.put(member, SERVICES, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace, name },
      spec: { selector: labels, ports: [{ name: "http", port: 80, targetPort }] },
    } as KubeObject);
    const deployment: Deployment = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { namespace, name },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            containers: [{ name: "web", image: "sandbox/hello", ports: [{ containerPort: 8080 }] }],
          },
        },
      },
    };
    await this.put(member, DEPLOYMENTS, deployment);
  }

  async export(
    member: ExplainedMember,
    at: string,
    annotations: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const [namespace = "", name = ""] = at.split("/");
    const { group, version, kind } = serviceExports();
    const object: ServiceExport = {
      apiVersion: `${group}/${version}`,
      kind,
      metadata: { namespace, name, annotations },
    };
    await this.put(member, serviceExports(), object);
  }

  /** Made by hand, before the controllers want one. */
  async foreignImport(member: ExplainedMember, at: string): Promise<void> {
    const [namespace = "", name = ""] = at.split("/");
    const { group, version, kind } = serviceImports();
    const object: ServiceImport = {
      apiVersion: `${group}/${version}`,
      kind,
      metadata: { namespace, name },
      spec: { type: "ClusterSetIP", ports: [] },
    };
    await this.put(member, serviceImports(), object);
  }

  async foreignDerivedService(member: ExplainedMember, at: string): Promise<void> {
    const [namespace = "", name = ""] = at.split("/");
    const derived = derivedServiceName(namespace, name);
    await this.service(member, `${namespace}/${derived}`);
  }

  async setCorefile(member: ExplainedMember, text: string): Promise<void> {
    const object: ConfigMap = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { namespace: "kube-system", name: "coredns" },
      data: { Corefile: text },
    };
    const set = await member.client.apply(CONFIG_MAPS, object, { signal: this.signal });
    if (!set.ok) throw new Error(set.error.message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.demo.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function goodCorefile({ processes }: ExplainedMember): string {
  return `.:53 {\n  kubernetes cluster.local\n  forward . /etc/resolv.conf\n}\nclusterset.local:53 {\n  forward . 127.0.0.1:${processes.dnsPort}\n}\n`;
}
