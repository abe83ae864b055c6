import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { Service } from "../../../api/kube/service.ts";
import type { ObjectView } from "../../../runtime/kube/object-view.ts";
import { deriveForwardingTable, type ForwardingTable, type ProxyNode } from "./forwarding-table.ts";

/** The forwarding table of two views, derived again when asked after a change: a burst of events costs one derivation. */
export class ForwardingSource {
  readonly #services: ObjectView<Service>;
  readonly #slices: ObjectView<EndpointSlice>;
  readonly #node: ProxyNode;
  #table: ForwardingTable | undefined;
  #unsubscribe: readonly (() => void)[] = [];

  constructor(
    views: {
      readonly services: ObjectView<Service>;
      readonly endpointSlices: ObjectView<EndpointSlice>;
    },
    node: ProxyNode,
  ) {
    this.#services = views.services;
    this.#slices = views.endpointSlices;
    this.#node = node;
  }

  start(): void {
    const forget = (): void => {
      this.#table = undefined;
    };
    this.#unsubscribe = [this.#services.subscribe(forget), this.#slices.subscribe(forget)];
  }

  table(): ForwardingTable {
    this.#table ??= deriveForwardingTable(
      this.#services.values(),
      this.#slices.values(),
      this.#node,
    );
    return this.#table;
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#unsubscribe = [];
  }
}
