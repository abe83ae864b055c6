import type { Endpoint, EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { Namespace } from "../../api/kube/namespace.ts";
import type { ObjectMeta } from "../../api/kube/object.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";

// What the zone is derived from and what reflectors need, without the rest: objects are kept as long as they exist, and there
// may be hundreds of thousands of endpoints. Whatever derivation reads, a field of the types below, must be kept here.

/** Of all annotations that may say anything about DNS. */
const ANNOTATION_PREFIX = "dns.isthmus.dev/";
const NOT_READY = { ready: false } as const;

/**
 * Endpoints that are as they were are those of `before`: one of a hundred moves, and only that one is new to the garbage
 * collector, which has to look at everything that is not old.
 */
export function slimSlice(slice: EndpointSlice, before?: EndpointSlice): EndpointSlice {
  const { apiVersion, kind, metadata, addressType, endpoints, ports } = slice;
  const known = before?.endpoints ?? [];
  return {
    apiVersion,
    kind,
    metadata: slimMetadata(metadata),
    addressType,
    endpoints: (endpoints ?? []).map((endpoint, index) => {
      const slim = slimEndpoint(endpoint);
      const other = known[index];
      return other !== undefined && isSameEndpoint(slim, other) ? other : slim;
    }),
    ports: (ports ?? []).map(({ name, port, protocol }) => ({
      ...(name !== undefined && { name }),
      ...(port !== undefined && { port }),
      ...(protocol !== undefined && { protocol }),
    })),
  };
}

/** Consumers read only the first address of an endpoint (EPS-11); absent conditions mean ready (EPS-18). */
function slimEndpoint({ addresses, conditions, hostname }: Endpoint): Endpoint {
  return {
    addresses: addresses.length > 1 ? addresses.slice(0, 1) : addresses,
    ...(conditions?.ready === false && { conditions: NOT_READY }),
    ...(hostname !== undefined && { hostname }),
  };
}

/** Of two that are slim. */
function isSameEndpoint(left: Endpoint, right: Endpoint): boolean {
  return (
    left.hostname === right.hostname &&
    left.conditions === right.conditions &&
    left.addresses.length === right.addresses.length &&
    left.addresses[0] === right.addresses[0]
  );
}

export function slimImport(serviceImport: ServiceImport): ServiceImport {
  const { apiVersion, kind, metadata, spec } = serviceImport;
  return {
    apiVersion,
    kind,
    metadata: {
      ...slimMetadata(metadata),
      ...(metadata.annotations !== undefined && {
        annotations: Object.fromEntries(
          Object.entries(metadata.annotations).filter(([key]) => key.startsWith(ANNOTATION_PREFIX)),
        ),
      }),
    },
    spec,
  };
}

export function slimNamespace({ apiVersion, kind, metadata }: Namespace): Namespace {
  return { apiVersion, kind, metadata: slimMetadata(metadata) };
}

function slimMetadata({ name, namespace, uid, resourceVersion, labels }: ObjectMeta): ObjectMeta {
  const service = labels?.[LABEL_SERVICE_NAME];
  const cluster = labels?.[LABEL_SOURCE_CLUSTER];
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...((service !== undefined || cluster !== undefined) && {
      labels: {
        ...(service !== undefined && { [LABEL_SERVICE_NAME]: service }),
        ...(cluster !== undefined && { [LABEL_SOURCE_CLUSTER]: cluster }),
      },
    }),
  };
}
