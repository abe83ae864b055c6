import type { Endpoint, EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { Namespace } from "../../api/kube/namespace.ts";
import type { KubeObject, ObjectMeta } from "../../api/kube/object.ts";
import type { Service } from "../../api/kube/service.ts";
import { ANNOTATION_AUTO_EXPORT } from "../../api/mcs/labels.ts";
import { isOwn } from "./is-own.ts";

// What the views keep of objects that may be anybody's (SCL-06): a cluster has many more Services and slices than it
// exports, and no label tells beforehand which those will be. Dropped is only what no decision reads.

export function slimNamespace({ apiVersion, kind, metadata, status }: Namespace): Namespace {
  const slim = { apiVersion, kind, metadata: slimMeta(metadata) };
  return status === undefined ? slim : { ...slim, status };
}

/** Without annotations but ours, among them whole copies of the object (last-applied-configuration), and status. */
export function slimService({ apiVersion, kind, metadata, spec }: Service): Service {
  return { apiVersion, kind, metadata: slimMeta(metadata), spec };
}

/**
 * Ours stays whole: what somebody adds to it is found and taken out. Of others' slices the reference to the Pod goes,
 * the largest part of an endpoint, and with it the hints that are for other proxies.
 */
export function slimSlice(slice: EndpointSlice): EndpointSlice {
  if (isOwn(slice)) return slice;
  const { apiVersion, kind, metadata, addressType, endpoints, ports } = slice;
  const { ownerReferences: _, ...rest } = slimMeta(metadata);
  return {
    apiVersion,
    kind,
    metadata: rest,
    addressType,
    ...(endpoints === undefined ? {} : { endpoints: endpoints?.map(slimEndpoint) ?? null }),
    ...(ports === undefined ? {} : { ports }),
  };
}

function slimEndpoint(endpoint: Endpoint): Endpoint {
  const { addresses, conditions, hostname, zone, nodeName } = endpoint;
  return {
    addresses,
    ...(conditions === undefined ? {} : { conditions }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(zone === undefined ? {} : { zone }),
    ...(nodeName === undefined ? {} : { nodeName }),
  };
}

function slimMeta(metadata: KubeObject["metadata"]): ObjectMeta {
  const { annotations, ...rest } = metadata;
  const value = annotations?.[ANNOTATION_AUTO_EXPORT];
  return value === undefined ? rest : { ...rest, annotations: { [ANNOTATION_AUTO_EXPORT]: value } };
}
