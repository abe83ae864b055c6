import type { ClusterId } from "../../api/cluster-id.ts";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import type { Service } from "../../api/kube/service.ts";
import {
  LABEL_KUBE_SERVICE_NAME,
  LABEL_MANAGED_BY,
  LABEL_SERVICE_NAME,
  LABEL_SOURCE_CLUSTER,
} from "../../api/mcs/labels.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import { type ServiceKey, serviceKey } from "../../api/service-key.ts";
import type { BrokerLink } from "../../broker/client/broker-link.ts";
import { mayBeOurName } from "../import/derived-service/derived-service-name.ts";
import { isOwn } from "./is-own.ts";
import type { Views } from "./world.ts";

// Which services must be looked at again: pure, and rather one too many than one too few, since a look at what is as it
// should be writes nothing (I9).

/** An object that was seen to be another; `before` undefined: it is new, `after` undefined: it is gone. */
interface Changed<T extends KubeObject> {
  readonly before?: T | undefined;
  readonly after?: T | undefined;
}

/** What is known, here and elsewhere, of services. */
export interface Known {
  readonly views: Pick<Views, "exports" | "imports" | "services" | "slices">;
  readonly link: Pick<BrokerLink, "foreignServices" | "foreignRows">;
}

/** A Service matters under its own name, and a derived one to the import that owns it. */
export function servicesOfService({
  key,
  before,
  after,
}: Changed<Service> & { readonly key: string }): readonly string[] {
  return [key, ...[before, after].flatMap((object) => importOf(object) ?? [])];
}

/** Ours also name the derived Service, which nobody exports: only the import is concerned. */
export function servicesOfSlice({ before, after }: Changed<EndpointSlice>): readonly ServiceKey[] {
  return [before, after].flatMap((slice) => {
    const labels = slice?.metadata.labels ?? {};
    const name = labels[LABEL_SERVICE_NAME] ?? labels[LABEL_KUBE_SERVICE_NAME];
    return slice === undefined || name === undefined ? [] : [keyBeside(slice, name)];
  });
}

/** Somebody's object is gone whose name may be one that an import waits for. */
export function servicesFreedBy(
  { before, after }: Changed<KubeObject>,
  imports: Iterable<ServiceImport>,
): readonly ServiceKey[] {
  if (before === undefined || after !== undefined || isOwn(before)) return [];
  if (!mayBeOurName(before.metadata.name)) return [];
  return [...imports]
    .filter(({ metadata }) => metadata.namespace === before.metadata.namespace)
    .filter(
      ({ status }) =>
        status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") !==
        true,
    )
    .map((one) => keyBeside(one, one.metadata.name));
}

/** Whatever these clusters have a part in: as their rows say, and as our objects do. Each once. */
export function servicesOf(
  clusters: ReadonlySet<ClusterId>,
  { views, link }: Known,
): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const key of link.foreignServices()) {
    if (link.foreignRows(key).some(({ cluster }) => clusters.has(cluster))) keys.add(key);
  }
  const names: ReadonlySet<string> = clusters;
  for (const slice of views.slices.values()) {
    const { [LABEL_SOURCE_CLUSTER]: cluster = "", [LABEL_SERVICE_NAME]: name } =
      slice.metadata.labels ?? {};
    if (name !== undefined && names.has(cluster)) keys.add(keyBeside(slice, name));
  }
  for (const one of views.imports.values()) {
    if (one.status?.clusters?.some(({ cluster }) => names.has(cluster)) !== true) continue;
    keys.add(keyBeside(one, one.metadata.name));
  }
  return keys;
}

/** Every service that anything here or elsewhere speaks of; orphaned slices and derived Services included (CLN-12). */
export function everyService({ views, link }: Known): ReadonlySet<string> {
  const keys = new Set<string>([
    ...views.exports.keys(),
    ...views.imports.keys(),
    ...link.foreignServices(),
  ]);
  for (const slice of views.slices.values()) {
    const { [LABEL_SERVICE_NAME]: name, [LABEL_MANAGED_BY]: manager } = slice.metadata.labels ?? {};
    if (name !== undefined && manager !== undefined) keys.add(keyBeside(slice, name));
  }
  for (const service of views.services.values()) {
    const key = importOf(service);
    if (key !== undefined) keys.add(key);
  }
  return keys;
}

/** The import that a derived Service belongs to. */
function importOf(service: Service | undefined): ServiceKey | undefined {
  const owner = service?.metadata.ownerReferences?.find(({ kind }) => kind === "ServiceImport");
  return service === undefined || owner === undefined ? undefined : keyBeside(service, owner.name);
}

function keyBeside({ metadata }: KubeObject, name: string): ServiceKey {
  return serviceKey(metadata.namespace ?? "", name);
}
