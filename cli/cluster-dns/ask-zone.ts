import { PODS } from "../../api/kube/pod.ts";
import { CLUSTERSET_ZONE } from "../../install/cluster-dns/corefile-stanza.ts";
import type { DnsConfigMap } from "../../install/cluster-dns/wiring-plan.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { deadline } from "../../runtime/clock/deadline.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { listAll } from "../../runtime/kube/list-all.ts";
import type { PortForward } from "../../runtime/kube/port-forward.ts";
import type { Random } from "../../runtime/random/random.ts";
import { askPod } from "../ask-dns/ask-pod.ts";
import type { DnsPod } from "../ask-dns/dns-pods.ts";
import { DNS_NAMESPACE } from "./observe-cluster-dns.ts";
import { readingPods, type SystemPod } from "./reading-pods.ts";
import { type AskedPod, isOfZone, judgeZone, type ZoneAnswers } from "./zone-answers.ts";

export interface AskDeps {
  readonly client: KubeClient;
  readonly forward: PortForward;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export interface ZoneLook {
  readonly answers: ZoneAnswers;
  /** Names of pods that have not answered for the zone, caches of nodes among them: nobody asks those. */
  readonly late: readonly string[];
  /** How many caches of nodes read what was changed. */
  readonly caches: number;
}

/** Of one look at all pods. */
const LOOK_MS = 20_000;
const APEX = { name: CLUSTERSET_ZONE, type: "A" } as const;

/** Asks the cluster's DNS about the zone, pod by pod and by way of the API server, since any of them may answer a client. */
export class ZoneAsker {
  readonly #configMaps: readonly DnsConfigMap[];
  readonly #deps: AskDeps;
  /** BOUNDED: by the pods of the cluster's DNS. Who has read the new configuration does not go back to the old one. */
  readonly #answered = new Map<string, NonNullable<AskedPod["answer"]>>();

  /** @param configMaps those that were changed */
  constructor(configMaps: readonly DnsConfigMap[], deps: AskDeps) {
    this.#configMaps = configMaps;
    this.#deps = deps;
  }

  async look(): Promise<ZoneLook> {
    const { client, clock } = this.#deps;
    using limit = deadline(clock, LOOK_MS, this.#deps.signal);
    const deps = { ...this.#deps, signal: limit.signal };
    const query = { namespace: DNS_NAMESPACE };
    const listed = await listAll<SystemPod>(client, PODS, query, limit.signal);
    if (!listed.ok) {
      const why = `pods of ${DNS_NAMESPACE} cannot be seen: ${listed.error.message}`;
      return { answers: { state: "not tested", why }, late: [], caches: 0 };
    }
    const { asked, caches } = readingPods(listed.value, this.#configMaps);
    const pods = await Promise.all(asked.map((pod) => this.#ask(pod, deps)));
    const late = pods.filter(({ name }) => !this.#answered.has(name)).map(({ name }) => name);
    return { answers: judgeZone(pods), late: [...late, ...caches], caches: caches.length };
  }

  async #ask(pod: DnsPod, deps: AskDeps): Promise<AskedPod> {
    const { name, isReady } = pod;
    if (!isReady) return { name, isReady };
    const known = this.#answered.get(name);
    const answer = known ?? (await askPod({ ...pod, namespace: DNS_NAMESPACE }, APEX, deps));
    if (answer.ok && isOfZone(answer.value)) this.#answered.set(name, answer);
    return { name, isReady, answer };
  }
}
