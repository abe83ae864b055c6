import type { ServiceRow } from "../../api/broker/row.ts";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { Namespace } from "../../api/kube/namespace.ts";
import type { Service } from "../../api/kube/service.ts";
import { LABEL_KUBE_SERVICE_NAME, LABEL_SERVICE_NAME } from "../../api/mcs/labels.ts";
import type { ServiceExport } from "../../api/mcs/service-export.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import { type ServiceKey, splitServiceKey } from "../../api/service-key.ts";
import type { BrokerLink } from "../../broker/client/broker-link.ts";
import type { Changing } from "../../runtime/config/changing.ts";
import type { IndexFunction, ObjectView } from "../../runtime/kube/object-view.ts";
import { derivedServiceName } from "../import/derived-service/derived-service-name.ts";
import { type MemberPolicy, type NamespaceScope, scopeDenial } from "../policy/member-policy.ts";
import { isOwn } from "./is-own.ts";

/** The reflected collections a member's controllers decide from. */
export interface Views {
  readonly namespaces: ObjectView<Namespace>;
  readonly services: ObjectView<Service>;
  /** Needs SLICE_INDEXES. */
  readonly slices: ObjectView<EndpointSlice>;
  readonly exports: ObjectView<ServiceExport>;
  readonly imports: ObjectView<ServiceImport>;
}

const SLICES_BY_SERVICE = "service";
const SLICES_BY_IMPORT = "import";

export const SLICE_INDEXES: Readonly<Record<string, IndexFunction<EndpointSlice>>> = {
  [SLICES_BY_SERVICE]: (slice) => labelIndex(slice, LABEL_KUBE_SERVICE_NAME),
  [SLICES_BY_IMPORT]: (slice) => labelIndex(slice, LABEL_SERVICE_NAME),
};

function labelIndex(slice: EndpointSlice, label: string): readonly string[] {
  const name = slice.metadata.labels?.[label];
  return name === undefined ? [] : [`${slice.metadata.namespace}/${name}`];
}

/** Everything known about one service at one moment: the input of every decision. */
export interface World {
  readonly namespace: string;
  readonly name: string;
  /** Undefined when this cluster does not have the namespace (IMP-03). */
  readonly namespaceObject: Namespace | undefined;
  readonly serviceExport: ServiceExport | undefined;
  readonly service: Service | undefined;
  /** Slices of the local Service, written by Kubernetes or by hand; never ours. */
  readonly sourceSlices: readonly EndpointSlice[];
  readonly serviceImport: ServiceImport | undefined;
  readonly derivedService: Service | undefined;
  /** MCS slices of this import that are ours. */
  readonly ownSlices: readonly EndpointSlice[];
  /** Any slice of the namespace, by name. */
  readonly findSlice: (name: string) => EndpointSlice | undefined;
  readonly foreignRows: readonly ServiceRow[];
  /** Which rule of this cluster keeps the namespace's exports at home, or imports out; undefined: none does. */
  readonly exportDenial: string | undefined;
  readonly importDenial: string | undefined;
}

/** What a world is observed through. */
export interface Observatory {
  readonly views: Views;
  readonly link: BrokerLink;
  readonly policy: Changing<MemberPolicy>;
}

export function observe(key: ServiceKey, { views, link, policy }: Observatory): World {
  const { namespace, name } = splitServiceKey(key);
  const namespaceObject = views.namespaces.get(namespace);
  const denial = (scope: NamespaceScope): string | undefined =>
    namespaceObject === undefined ? undefined : scopeDenial(scope, namespaceObject);
  return {
    namespace,
    name,
    namespaceObject,
    serviceExport: views.exports.get(key),
    service: views.services.get(key),
    sourceSlices: views.slices.byIndex(SLICES_BY_SERVICE, key).filter((slice) => !isOwn(slice)),
    serviceImport: views.imports.get(key),
    derivedService: views.services.get(`${namespace}/${derivedServiceName(namespace, name)}`),
    ownSlices: views.slices.byIndex(SLICES_BY_IMPORT, key).filter(isOwn),
    findSlice: (sliceName) => views.slices.get(`${namespace}/${sliceName}`),
    foreignRows: link.foreignRows(key),
    exportDenial: denial(policy.current.exports),
    importDenial: denial(policy.current.imports),
  };
}
