import { isDeepStrictEqual } from "node:util";
import type { Endpoint, EndpointPort, EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { OwnerReference } from "../../../api/kube/object.ts";
import type { IpFamily, Service } from "../../../api/kube/service.ts";
import { SERVICE_NAME_LABEL } from "../../network/proxy/forwarding-table.ts";
import { type EndpointGroup, groupKey } from "./derive-slices.ts";

const MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by";
const CONTROLLER_NAME = "endpointslice-controller.k8s.io";
const HEADLESS_LABEL = "service.kubernetes.io/headless";
/** kube-controller-manager's --max-endpoints-per-slice. */
const MAX_ENDPOINTS = 100;

/** The least writes that turn the slices there are into the slices there should be. */
export interface SlicePlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

/** A slice of this controller, for this Service. */
export function isOwnSlice(slice: EndpointSlice, serviceName: string): boolean {
  const labels = slice.metadata.labels;
  return (
    labels?.[MANAGED_BY_LABEL] === CONTROLLER_NAME && labels[SERVICE_NAME_LABEL] === serviceName
  );
}

/** A plan that is being made. */
interface OpenPlan {
  readonly create: EndpointSlice[];
  readonly update: EndpointSlice[];
  readonly remove: EndpointSlice[];
}

interface Filled {
  readonly slice: EndpointSlice;
  endpoints: readonly Endpoint[];
}

/**
 * Each endpoint stays in the slice it is in; new ones fill the slices with room, fullest first, and then
 * new slices. A family without endpoints keeps one empty slice, so that readers can tell "none" from "not yet".
 */
export function diffSlices(
  service: Service,
  groups: readonly EndpointGroup[],
  existing: readonly EndpointSlice[],
  newName: () => string,
): SlicePlan {
  const wanted = withPlaceholders(service, groups);
  const byKey = new Map<string, EndpointSlice[]>();
  for (const slice of existing) {
    const key = groupKey(slice.addressType, slice.ports ?? []);
    byKey.set(key, [...(byKey.get(key) ?? []), slice]);
  }
  const plan: OpenPlan = { create: [], update: [], remove: [] };
  for (const group of wanted) {
    const key = groupKey(group.addressType, group.ports);
    const present = byKey.get(key) ?? [];
    byKey.delete(key);
    planGroup(service, group, present, newName, plan);
  }
  for (const leftOver of byKey.values()) plan.remove.push(...leftOver);
  return plan;
}

function withPlaceholders(
  service: Service,
  groups: readonly EndpointGroup[],
): readonly EndpointGroup[] {
  const families: readonly IpFamily[] = service.spec.ipFamilies ?? ["IPv4"];
  const missing = families.filter(
    (family) => !groups.some((group) => group.addressType === family),
  );
  return [...groups, ...missing.map((addressType) => ({ addressType, ports: [], endpoints: [] }))];
}

function planGroup(
  service: Service,
  group: EndpointGroup,
  present: readonly EndpointSlice[],
  newName: () => string,
  plan: OpenPlan,
): void {
  const { filled, unplaced } = keepInPlace(group, present);
  let rest = fillRoom(filled, unplaced);
  const keep = filled.filter((entry) => entry.endpoints.length > 0);
  // A placeholder that is there stays; of several empty slices the first.
  const placeholder = group.endpoints.length === 0 ? filled.slice(0, 1) : [];
  for (const entry of [...keep, ...placeholder]) {
    const next = withContents(service, entry.slice, entry.endpoints);
    if (!isSame(entry.slice, next)) plan.update.push(next);
  }
  const kept = new Set([...keep, ...placeholder].map((entry) => entry.slice));
  plan.remove.push(...present.filter((slice) => !kept.has(slice)));
  if (group.endpoints.length === 0 && placeholder.length === 0) {
    plan.create.push(newSlice(service, group, [], newName()));
  }
  for (; rest.length > 0; rest = rest.slice(MAX_ENDPOINTS)) {
    plan.create.push(newSlice(service, group, rest.slice(0, MAX_ENDPOINTS), newName()));
  }
}

function keepInPlace(
  group: EndpointGroup,
  present: readonly EndpointSlice[],
): { readonly filled: readonly Filled[]; readonly unplaced: readonly Endpoint[] } {
  const pending = new Map(group.endpoints.map((endpoint) => [endpointId(endpoint), endpoint]));
  const filled = present.map((slice) => {
    const endpoints = (slice.endpoints ?? []).flatMap((endpoint) => {
      const id = endpointId(endpoint);
      const wanted = pending.get(id);
      pending.delete(id);
      return wanted === undefined ? [] : [wanted];
    });
    return { slice, endpoints };
  });
  return { filled, unplaced: [...pending.values()] };
}

/** What did not fit is returned. Fullest first: few slices change, and none stays nearly empty. */
function fillRoom(filled: readonly Filled[], unplaced: readonly Endpoint[]): readonly Endpoint[] {
  let rest = unplaced;
  const byFill = [...filled].sort((a, b) => b.endpoints.length - a.endpoints.length);
  for (const entry of byFill) {
    const room = Math.max(0, MAX_ENDPOINTS - entry.endpoints.length);
    entry.endpoints = [...entry.endpoints, ...rest.slice(0, room)];
    rest = rest.slice(room);
  }
  return rest;
}

function endpointId(endpoint: Endpoint): string {
  return `${endpoint.targetRef?.uid ?? endpoint.targetRef?.name ?? ""} ${endpoint.addresses.join()}`;
}

function newSlice(
  service: Service,
  group: { readonly addressType: IpFamily; readonly ports: readonly EndpointPort[] },
  endpoints: readonly Endpoint[],
  name: string,
): EndpointSlice {
  const { namespace } = service.metadata;
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: labelsOf(service),
      ownerReferences: [ownerOf(service)],
    },
    addressType: group.addressType,
    endpoints,
    ports: group.ports,
  };
}

function withContents(
  service: Service,
  slice: EndpointSlice,
  endpoints: readonly Endpoint[],
): EndpointSlice {
  const metadata = {
    ...slice.metadata,
    labels: labelsOf(service),
    ownerReferences: [ownerOf(service)],
  };
  return { ...slice, metadata, endpoints };
}

function isSame(before: EndpointSlice, after: EndpointSlice): boolean {
  return (
    isDeepStrictEqual(before.metadata.labels, after.metadata.labels) &&
    isDeepStrictEqual(before.metadata.ownerReferences, after.metadata.ownerReferences) &&
    isDeepStrictEqual(before.endpoints ?? [], after.endpoints)
  );
}

/** The Service's own labels travel along, except those that mean something else on a slice. */
function labelsOf(service: Service): Readonly<Record<string, string>> {
  const { [HEADLESS_LABEL]: _headless, ...copied } = service.metadata.labels ?? {};
  return {
    ...copied,
    [SERVICE_NAME_LABEL]: service.metadata.name,
    [MANAGED_BY_LABEL]: CONTROLLER_NAME,
    ...(isHeadless(service) ? { [HEADLESS_LABEL]: "" } : {}),
  };
}

function isHeadless(service: Service): boolean {
  return (service.spec.clusterIP ?? "") === "" || service.spec.clusterIP === "None";
}

function ownerOf(service: Service): OwnerReference {
  return {
    apiVersion: "v1",
    kind: "Service",
    name: service.metadata.name,
    uid: service.metadata.uid ?? "",
    controller: true,
    blockOwnerDeletion: true,
  };
}
