import type { RecordType } from "dns-packet";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { type ServiceImport, serviceImports } from "../../api/mcs/service-import.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { addressesIn, type DnsAnswer } from "../clusterset/ask-dns.ts";
import type { HttpAnswer } from "../clusterset/http-through-socks.ts";
import { until } from "../process/until.ts";
import { SAMPLE, sampleExport, sampleNamespace, sampleWorkload } from "./sample-service.ts";
import { duration, type StepPrinter } from "./step-printer.ts";

/** A member as the scenario sees it. */
export interface ScenarioMember {
  readonly id: string;
  readonly kube: KubeClient;
  /** One question to its DNS server; undefined when nobody answers. */
  readonly ask: (name: string, type: RecordType) => Promise<DnsAnswer | undefined>;
  /** HTTP from inside the cluster. */
  readonly get: (url: URL) => Promise<HttpAnswer>;
}

export interface ScenarioDeps {
  readonly clock: Clock;
  readonly steps: StepPrinter;
  readonly signal: AbortSignal;
}

export const SAMPLE_NAME = `${SAMPLE.name}.${SAMPLE.namespace}.svc.clusterset.local`;
const WAIT_MS = 20_000;

/**
 * The main job, told as it happens: deploy in two members, export, and from another one see the import, the DNS
 * answer and HTTP answers from both exporters' pods. Everything that is printed was observed.
 */
export class DemoScenario {
  readonly #exporters: readonly ScenarioMember[];
  readonly #consumer: ScenarioMember;
  readonly #members: readonly ScenarioMember[];
  readonly #deps: ScenarioDeps;

  /** @param members at least two; the first two export, the last one consumes. */
  constructor(members: readonly ScenarioMember[], deps: ScenarioDeps) {
    const consumer = members.at(-1);
    if (consumer === undefined || members.length < 2) throw new Error("a demo needs two members");
    this.#members = members;
    this.#exporters = members.slice(0, 2);
    this.#consumer = consumer;
    this.#deps = deps;
  }

  async deploy(): Promise<void> {
    const { steps } = this.#deps;
    const names = this.#exporters.map(({ id }) => id).join(" and ");
    await steps.step(
      `sample service ${SAMPLE.namespace}/${SAMPLE.name} deployed in ${names}`,
      async () => {
        for (const { kube } of this.#members) await this.#create(kube, sampleNamespace());
        for (const { kube } of this.#exporters) {
          for (const manifest of sampleWorkload(2)) await this.#create(kube, manifest);
        }
        await Promise.all(this.#exporters.map((member) => this.#podsReady(member)));
      },
    );
  }

  async exportAndReach(): Promise<void> {
    const { steps, clock } = this.#deps;
    const startMs = clock.monotonicMs();
    let resolvedMs = 0;
    await steps.step(`exported; ${this.#consumer.id} resolves ${SAMPLE_NAME}`, async () => {
      for (const { kube } of this.#exporters) await this.#create(kube, sampleExport());
      await this.#resolves();
      resolvedMs = clock.monotonicMs() - startMs;
    });
    steps.detail(`export to resolvable: ${duration(resolvedMs).trim()}`);
    const exporters = this.#exporters.map(({ id }) => id);
    const found = await steps.step("the import names both exporters", () =>
      this.#importFrom(exporters),
    );
    steps.detail(importText(found));
    await this.#showDns();
    await this.#showHttp(exporters);
  }

  async unexport(): Promise<void> {
    const { steps } = this.#deps;
    const [leaving, ...staying] = this.#exporters;
    if (leaving === undefined) return;
    const left = staying.map(({ id }) => id);
    const found = await steps.step(`unexported in ${leaving.id}: the import follows`, async () => {
      const resource = serviceExports();
      const gone = await leaving.kube.delete(
        { resource, namespace: SAMPLE.namespace, name: SAMPLE.name },
        {},
        { signal: this.#deps.signal },
      );
      if (!gone.ok) throw new Error(gone.error.message);
      return this.#importFrom(left);
    });
    steps.detail(importText(found));
    await this.#showHttp(left);
  }

  async #create(
    kube: KubeClient,
    manifest: { readonly resource: Resource; readonly object: KubeObject },
  ): Promise<void> {
    const created = await kube.create(manifest.resource, manifest.object, {
      signal: this.#deps.signal,
    });
    if (!created.ok) throw new Error(created.error.message);
  }

  async #podsReady({ id, kube }: ScenarioMember): Promise<void> {
    const resource = { group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true };
    await this.#until(`two ready pods in ${id}`, async () => {
      const pods = await kube.list<KubeObject & { status?: { phase?: string } }>(
        resource,
        { namespace: SAMPLE.namespace },
        { signal: this.#deps.signal },
      );
      const running = pods.ok ? pods.value.items.filter((p) => p.status?.phase === "Running") : [];
      return running.length >= 2 ? true : undefined;
    });
  }

  async #resolves(): Promise<void> {
    await this.#until(
      `${SAMPLE_NAME} to resolve in ${this.#consumer.id}`,
      async () => {
        const answer = await this.#ask("A");
        return addressesIn(answer).length > 0 ? true : undefined;
      },
      2,
    );
  }

  async #importFrom(clusters: readonly string[]): Promise<ServiceImport> {
    const target = {
      resource: serviceImports(),
      namespace: SAMPLE.namespace,
      name: SAMPLE.name,
    };
    return this.#until(
      `the import in ${this.#consumer.id} to list ${clusters.join(", ")}`,
      async () => {
        const found = await this.#consumer.kube.get<ServiceImport>(target, {
          signal: this.#deps.signal,
        });
        if (!found.ok) return undefined;
        const listed = (found.value.status?.clusters ?? []).map(
          ({ cluster }) => cluster as ClusterId,
        );
        return listed.toSorted().join() === clusters.toSorted().join() ? found.value : undefined;
      },
    );
  }

  async #showDns(): Promise<void> {
    const { steps } = this.#deps;
    const answers = await steps.step(`DNS on ${this.#consumer.id}, asked over UDP`, () =>
      Promise.all([this.#ask("A"), this.#ask("SRV")]),
    );
    for (const record of answers.flatMap((answer) => answer?.answers ?? [])) {
      if (record.type === "A") steps.detail(`${record.name} ${record.ttl} IN A ${record.data}`);
      if (record.type === "SRV") {
        const { priority, weight, port, target } = record.data;
        steps.detail(
          `${record.name} ${record.ttl} IN SRV ${priority ?? 0} ${weight ?? 0} ${port} ${target}`,
        );
      }
    }
  }

  /** Asks over the clusterset IP until every expected cluster has answered, then counts a round of answers. */
  async #showHttp(expected: readonly string[]): Promise<void> {
    const { steps } = this.#deps;
    const url = new URL(`http://${SAMPLE_NAME}/`);
    const get = async (): Promise<PodAnswer | undefined> => {
      try {
        const answer = await this.#consumer.get(url);
        return answer.status === 200 ? (JSON.parse(answer.body) as PodAnswer) : undefined;
      } catch {
        return undefined;
      }
    };
    const title = `HTTP from ${this.#consumer.id} answered by pods of ${expected.join(" and ")}`;
    const pods = await steps.step(title, () =>
      this.#until(`answers from ${expected.join(" and ")} only`, async () => {
        const round = new Map<string, number>();
        const clusters = new Set<string>();
        for (let i = 0; i < 8; i++) {
          const answer = await get();
          if (answer === undefined) return undefined;
          clusters.add(answer.cluster);
          const who = `${answer.cluster}/${answer.pod}`;
          round.set(who, (round.get(who) ?? 0) + 1);
        }
        return [...clusters].toSorted().join() === expected.toSorted().join() ? round : undefined;
      }),
    );
    for (const [who, count] of [...pods].toSorted(([a], [b]) => (a < b ? -1 : 1)))
      steps.detail(`${count}x ${who}`);
  }

  #ask(type: "A" | "SRV"): Promise<DnsAnswer | undefined> {
    return this.#consumer.ask(SAMPLE_NAME, type);
  }

  #until<T>(what: string, ask: () => Promise<T | undefined>, everyMs = 10): Promise<T> {
    const { clock, signal } = this.#deps;
    return until(what, ask, { clock, signal, timeoutMs: WAIT_MS, everyMs });
  }
}

/** What a sandbox pod says about itself. */
interface PodAnswer {
  readonly cluster: string;
  readonly pod: string;
}

function importText(found: ServiceImport): string {
  const clusters = (found.status?.clusters ?? []).map(({ cluster }) => cluster).join(", ");
  return `ServiceImport ${found.metadata.namespace}/${found.metadata.name}: type ${found.spec.type}, ip ${(found.spec.ips ?? []).join(", ")}, from ${clusters}`;
}
