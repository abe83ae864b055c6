import { ENDPOINT_SLICES } from "../../../api/kube/endpoint-slice.ts";
import { SERVICES, type Service } from "../../../api/kube/service.ts";
import { LABEL_KUBE_SERVICE_NAME } from "../../../api/mcs/labels.ts";
import { type Change, collectionName, typedObject } from "../world/sim-cluster.ts";
import { EXPORTS } from "./live-export.ts";
import { addressesOf, isOwn } from "./write-rules.ts";

const EXPORTS_COLLECTION = collectionName(EXPORTS);
const SLICES_COLLECTION = collectionName(ENDPOINT_SLICES);
const SERVICES_COLLECTION = collectionName(SERVICES);

/**
 * What users have offered to the clusterset at some time (I2). "At some time": views and rows lag under faults, and a view of
 * exports lags apart from one of Services, so an export and a Service that never were there together may be seen together. That
 * nothing outlives its export is checked at rest (I1).
 */
export class Offers {
  /** `cluster namespace/name`. BOUNDED: by the services of a script, as the next. */
  readonly #exports = new Set<string>();
  readonly #services = new Set<string>();
  /** `cluster namespace/name address`. BOUNDED: by the addresses of a script. */
  readonly #endpoints = new Set<string>();

  onChange({ cluster, collection, key, after }: Change): void {
    if (after === undefined) return;
    if (collection === EXPORTS_COLLECTION) this.#exports.add(`${cluster.id} ${key}`);
    if (collection === SERVICES_COLLECTION) {
      const { spec } = typedObject<Service>(after, SERVICES);
      if (spec.type !== "ExternalName") this.#services.add(`${cluster.id} ${key}`);
    }
    if (collection !== SLICES_COLLECTION || isOwn(after)) return;
    const { namespace, labels } = after.metadata;
    for (const address of addressesOf(after)) {
      const service = `${namespace}/${labels?.[LABEL_KUBE_SERVICE_NAME]}`;
      this.#endpoints.add(`${cluster.id} ${service} ${address}`);
    }
  }

  /** @param service `namespace/name`. */
  hasExporter(service: string): boolean {
    return [...this.#exports].some(
      (entry) => entry.endsWith(` ${service}`) && this.#services.has(entry),
    );
  }

  isExported(cluster: string, service: string): boolean {
    const entry = `${cluster} ${service}`;
    return this.#exports.has(entry) && this.#services.has(entry);
  }

  hasEndpoint(cluster: string, service: string, address: string): boolean {
    return (
      this.isExported(cluster, service) && this.#endpoints.has(`${cluster} ${service} ${address}`)
    );
  }
}
