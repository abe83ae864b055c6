import { apiVersionOf, type KubeObject, type Resource } from "../../../../api/kube/object.ts";
import { SECRETS } from "../../../../api/kube/secret.ts";
import type { SpaceItem, SpaceWrite } from "../space.ts";

/** How items are written as objects of one kind. */
export interface SpaceObjectKind {
  readonly resource: Resource;
  /** All but metadata. */
  readonly content: (write: SpaceWrite) => object;
  /** Base64; undefined: not an object of ours. */
  readonly dataOf: (object: KubeObject) => unknown;
}

const BROKER_RECORDS: Resource = {
  group: "hub.isthmus.dev",
  version: "v1alpha1",
  plural: "brokerrecords",
  kind: "BrokerRecord",
  namespaced: true,
};

/** Rows and members: api/crds/hub. */
export const recordObjects: SpaceObjectKind = {
  resource: BROKER_RECORDS,
  content: ({ data, about }) => ({
    spec: { kind: "item", ...about, data: Buffer.from(data).toString("base64") },
  }),
  dataOf: (object) => (object as { spec?: { data?: unknown } }).spec?.data,
};

/** What must not be read by whoever may read rows. */
export const secretObjects: SpaceObjectKind = {
  resource: SECRETS,
  content: ({ data }) => ({
    type: "hub.isthmus.dev/record",
    data: { record: Buffer.from(data).toString("base64") },
  }),
  dataOf: (object) => (object as { data?: { record?: unknown } }).data?.record,
};

/** Objects of a page: of the largest size they still fit into one answer. */
export const PAGE = 40;

/** Names the space that an object belongs to. */
export const SPACE_LABEL = "hub.isthmus.dev/space";
/** The first word of the item's name: what lists select by. */
export const GROUP_LABEL = "hub.isthmus.dev/group";

export function groupOf(name: string): string {
  return name.split(".", 1)[0] ?? name;
}

export function toObject(
  kind: SpaceObjectKind,
  place: { readonly namespace: string; readonly space: string },
  write: SpaceWrite,
  resourceVersion?: string,
): KubeObject {
  const { namespace, space } = place;
  return {
    apiVersion: apiVersionOf(kind.resource),
    kind: kind.resource.kind,
    metadata: {
      name: write.name,
      namespace,
      labels: { [SPACE_LABEL]: space, [GROUP_LABEL]: groupOf(write.name) },
      ...(resourceVersion !== undefined && { resourceVersion }),
    },
    ...kind.content(write),
  };
}

/** Undefined: not one of ours, whatever its label says. */
export function toItem(kind: SpaceObjectKind, object: KubeObject): SpaceItem | undefined {
  const data = kind.dataOf(object);
  const { name, resourceVersion } = object.metadata;
  if (typeof data !== "string" || resourceVersion === undefined) return undefined;
  return { name, version: resourceVersion, data: Buffer.from(data, "base64") };
}
