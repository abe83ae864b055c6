import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { Service } from "../../../api/kube/service.ts";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import type { ObjectView } from "../../../runtime/kube/object-view.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import { deriveForwardingTable } from "../proxy/forwarding-table.ts";
import type { NodePlan } from "./net-plan.ts";
import { mustRunIn } from "./run-commands.ts";
import { serviceRules } from "./service-rules.ts";

/** A burst of events costs one load. */
const SETTLE_MS = 20;
const RETRY_MS = 1_000;

export interface ServiceProxyDeps {
  readonly services: ObjectView<Service>;
  readonly endpointSlices: ObjectView<EndpointSlice>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One node's kube-proxy: Services and EndpointSlices, derived ones of other clusters among them, as rules of its namespace. */
export class ServiceProxy {
  readonly #node: NodePlan;
  readonly #deps: ServiceProxyDeps;
  #unsubscribe: readonly (() => void)[] = [];
  #timer: Timer | undefined;
  #loading: Promise<void> = Promise.resolve();
  #loaded = "";
  #stopped = false;

  constructor(node: NodePlan, deps: ServiceProxyDeps) {
    this.#node = node;
    this.#deps = deps;
  }

  start(): void {
    const onChange = (): void => this.#soon(SETTLE_MS);
    this.#unsubscribe = [
      this.#deps.services.subscribe(onChange),
      this.#deps.endpointSlices.subscribe(onChange),
    ];
    onChange();
  }

  /** The namespace is new: it has no rules yet. */
  reload(): void {
    this.#loaded = "";
    this.#soon(0);
  }

  /** The rules stay: what is open goes on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#timer?.cancel();
    await this.#loading;
  }

  #soon(delayMs: number): void {
    if (this.#stopped || this.#timer !== undefined) return;
    this.#timer = this.#deps.clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      this.#loading = this.#loading.then(() => this.#load());
    });
  }

  async #load(): Promise<void> {
    if (this.#stopped) return;
    const table = deriveForwardingTable(
      this.#deps.services.values(),
      this.#deps.endpointSlices.values(),
      { nodeName: this.#node.name },
    );
    const rules = serviceRules(table);
    if (rules === this.#loaded) return;
    try {
      await mustRunIn(this.#node.namespace, ["nft", "-f", "-"], rules);
      this.#loaded = rules;
    } catch (cause) {
      this.#deps.log.warn("service rules not loaded", { node: this.#node.namespace, err: cause });
      this.#soon(RETRY_MS);
    }
  }
}
