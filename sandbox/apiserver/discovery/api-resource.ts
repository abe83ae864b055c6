import { createHash } from "node:crypto";
import type { Kind, KindVersion } from "../kinds/kind.ts";

/** One resource or subresource of a group version, as discovery tells it. */
export interface ApiResource {
  readonly resource: string;
  /** "" for the resource itself. */
  readonly subresource: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly kind: string;
  /** Of the kind, when it is not the resource's own. */
  readonly kindGroup?: string;
  readonly kindVersion?: string;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly storageVersionHash?: string;
}

/** The order in which the real server tells the verbs of custom resources. */
const CUSTOM_VERBS = [
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "create",
  "update",
  "watch",
];
const SUBRESOURCE_VERBS = ["get", "patch", "update"];

/** Resources of a stored kind: itself and its subresources. */
export function resourcesOfKind(kind: Kind, version: KindVersion): readonly ApiResource[] {
  const base = {
    resource: kind.plural,
    namespaced: kind.namespaced,
    kind: kind.kind,
    shortNames: [],
    categories: [],
    singular: "",
  };
  const verbs = kind.custom
    ? CUSTOM_VERBS.filter((verb) => kind.verbs.some((served) => served === verb))
    : kind.verbs;
  const self: ApiResource = {
    ...base,
    subresource: "",
    singular: kind.singular,
    verbs,
    shortNames: kind.shortNames,
    categories: kind.categories,
    storageVersionHash: storageVersionHash(kind),
  };
  const extra = EXTRA_SUBRESOURCES[`${kind.group}/${kind.plural}`] ?? [];
  const status: readonly ApiResource[] =
    kind.subresources.status === true && version.served
      ? [{ ...base, subresource: "status", verbs: SUBRESOURCE_VERBS }]
      : [];
  const scale: readonly ApiResource[] =
    kind.subresources.scale === true
      ? [
          {
            ...base,
            subresource: "scale",
            kind: "Scale",
            kindGroup: "autoscaling",
            kindVersion: "v1",
            verbs: SUBRESOURCE_VERBS,
          },
        ]
      : [];
  return [self, ...extra.map((one) => ({ ...base, ...one })), ...scale, ...status];
}

/** Resources without objects: questions that are posted and answered. */
export function reviewResources(group: string, version: string): readonly ApiResource[] {
  if (version !== "v1") return [];
  return (REVIEWS[group] ?? []).map((kind) => ({
    resource: `${kind.toLowerCase()}s`,
    subresource: "",
    singular: kind.toLowerCase(),
    namespaced: false,
    kind,
    verbs: ["create"],
    shortNames: [],
    categories: [],
  }));
}

/** Groups that only hold questions. */
export const REVIEW_GROUPS = ["authentication.k8s.io", "authorization.k8s.io"];

const REVIEWS: Readonly<Record<string, readonly string[]>> = {
  "authentication.k8s.io": ["SelfSubjectReview"],
  "authorization.k8s.io": [
    "SelfSubjectAccessReview",
    "SelfSubjectRulesReview",
    "SubjectAccessReview",
  ],
};

const EXTRA_SUBRESOURCES: Readonly<
  Record<
    string,
    readonly (Pick<ApiResource, "subresource" | "kind" | "verbs"> & Partial<ApiResource>)[]
  >
> = {
  "/pods": [
    {
      subresource: "eviction",
      kind: "Eviction",
      kindGroup: "policy",
      kindVersion: "v1",
      verbs: ["create"],
    },
  ],
  "/serviceaccounts": [
    {
      subresource: "token",
      kind: "TokenRequest",
      kindGroup: "authentication.k8s.io",
      kindVersion: "v1",
      verbs: ["create"],
    },
  ],
};

/** Changes when the stored form does; the real server's formula. */
function storageVersionHash({ group, storageVersion, kind }: Kind): string {
  const text = `${group}/${storageVersion}/${kind}`;
  return createHash("sha256").update(text).digest().subarray(0, 8).toString("base64");
}
