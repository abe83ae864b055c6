import { isDeepStrictEqual } from "node:util";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { KubeObject } from "../../../api/kube/object.ts";
import { SERVICES } from "../../../api/kube/service.ts";
import { LABEL_MANAGED_BY, LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import { type ServiceImport, serviceImports } from "../../../api/mcs/service-import.ts";
import { type Change, collectionName, typedObject } from "../world/sim-cluster.ts";
import { IMPORTS_COLLECTION, importOf } from "./import-of-object.ts";
import { EXPORTS, liveExport } from "./live-export.ts";
import type { Offers } from "./offers.ts";
import type { Report } from "./violation.ts";

const IMPORTS = serviceImports("v1beta1");
const EXPORTS_COLLECTION = collectionName(EXPORTS);
const SLICES_COLLECTION = collectionName(ENDPOINT_SLICES);
const SERVICES_COLLECTION = collectionName(SERVICES);
export const EVENTS_COLLECTION = "/events";

/** Rules for each single write of Isthmus, checked in the moment of the write, whatever faults there are. */
export class WriteRules {
  readonly #report: Report;
  readonly #offers: Offers;
  readonly #podAddress: (source: string, address: string) => string;

  /** @param podAddress the pod of a source cluster behind the address that an importer's clients dial. */
  constructor(
    report: Report,
    offers: Offers,
    podAddress: (source: string, address: string) => string = (_source, address) => address,
  ) {
    this.#report = report;
    this.#offers = offers;
    this.#podAddress = podAddress;
  }

  /** @param hasSynced whether the writing process has heard all rows; undefined for other writers. */
  onChange(change: Change, hasSynced: boolean | undefined): void {
    this.#offers.onChange(change);
    if (change.author === "dns") this.#fail("I3", change, "the DNS server writes nothing");
    if (change.author !== "controllers") return;
    this.#checkOwnership(change);
    this.#checkLeak(change);
    if (hasSynced === false) this.#checkEarlyDeletion(change);
  }

  /** I3: an object that is not ours is never changed or deleted; of an export only the status is ours. */
  #checkOwnership(change: Change): void {
    const { collection, before, after } = change;
    // Records about an export, of the API server's own kind: they expire there and are nobody's state.
    if (collection === EVENTS_COLLECTION) return;
    if (collection === EXPORTS_COLLECTION) {
      const isStatusOnly =
        before !== undefined &&
        after !== undefined &&
        isDeepStrictEqual(withoutStatus(before), withoutStatus(after));
      if (!isStatusOnly) this.#fail("I3", change, "of an export only the status may be written");
      return;
    }
    if (before !== undefined && !isOwn(before)) {
      this.#fail("I3", change, "the object is not ours");
    }
    if (after !== undefined && !isOwn(after)) {
      this.#fail("I3", change, "what we write carries our label");
    }
  }

  /** I2: what appears in an importer was offered by the cluster it is said to come from. */
  #checkLeak(change: Change): void {
    const { collection, key, before, after } = change;
    if (after === undefined) return;
    if (
      collection === IMPORTS_COLLECTION &&
      before === undefined &&
      !this.#offers.hasExporter(key)
    ) {
      this.#fail("I2", change, "nobody has ever exported this service");
    }
    if (collection !== SLICES_COLLECTION) return;
    const source = after.metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? "";
    const service = importOf(change);
    for (const shown of addressesOf(after)) {
      const address = this.#podAddress(source, shown);
      if (!this.#offers.hasEndpoint(source, service, address)) {
        this.#fail("I2", change, `${address} was never an endpoint of ${service} in ${source}`);
      }
    }
  }

  /**
   * I6: before the first full sync nothing goes, with exceptions whose truth is local: own endpoints, what hangs on
   * an import that a user has deleted, and the derived Service of an import that nobody else has a part in, which is made anew when its own Service changes its type.
   */
  #checkEarlyDeletion(change: Change): void {
    const { cluster, collection, before, after } = change;
    if (before === undefined || (after !== undefined && !isDeleting(after))) return;
    const isOwnEndpoints =
      collection === SLICES_COLLECTION &&
      before.metadata.labels?.[LABEL_SOURCE_CLUSTER] === cluster.id;
    if (isOwnEndpoints || this.#isOrphan(change) || this.#isOursAlone(change)) return;
    this.#fail("I6", change, "deleted before the first full sync");
  }

  /** Its import is gone, by a user's hand: the API server is about to collect it. */
  #isOrphan(change: Change): boolean {
    const owners = change.before?.metadata.ownerReferences ?? [];
    const uid = change.cluster.get<ServiceImport>(IMPORTS, importOf(change))?.metadata.uid;
    return owners.length > 0 && owners.every((owner) => owner.uid !== uid);
  }

  #isOursAlone(change: Change): boolean {
    const { cluster, collection } = change;
    if (collection !== SERVICES_COLLECTION) return false;
    const [namespace = "", name = ""] = importOf(change).split("/");
    const found = cluster.get<ServiceImport>(IMPORTS, `${namespace}/${name}`);
    const clusters = (found?.status?.clusters ?? []).map((exporter) => exporter.cluster);
    return (
      clusters.every((exporter) => exporter === cluster.id) &&
      liveExport(cluster, namespace, name) !== undefined
    );
  }

  #fail(invariant: string, { cluster, author, collection, key }: Change, text: string): void {
    this.#report(invariant, `${author} of ${cluster.id} wrote ${collection} ${key}: ${text}`);
  }
}

export function isOwn({ metadata }: KubeObject): boolean {
  return metadata.labels?.[LABEL_MANAGED_BY] !== undefined;
}

export function isDeleting({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function withoutStatus(object: KubeObject): object {
  const { managedFields: _, resourceVersion: __, ...metadata } = object.metadata;
  return { ...object, metadata, status: undefined };
}

export function addressesOf(object: KubeObject): readonly string[] {
  return (typedObject<EndpointSlice>(object, ENDPOINT_SLICES).endpoints ?? []).flatMap(
    ({ addresses }) => addresses,
  );
}
