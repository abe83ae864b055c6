import type { JsonObject } from "../object/json.ts";
import type { ApiResource } from "./api-resource.ts";
import type { GroupVersion } from "./group-version.ts";

/** All groups, versions and resources in one document (apidiscovery.k8s.io). */
export function aggregatedDiscovery(
  served: readonly GroupVersion[],
  documentVersion: "v2" | "v2beta1",
): JsonObject {
  const groups = [...new Set(served.map(({ group }) => group))];
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${documentVersion}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: group === "" ? {} : { name: group },
      versions: served.filter((one) => one.group === group).map(versionEntry),
    })),
  };
}

function versionEntry({ group, version, resources, custom }: GroupVersion): JsonObject {
  // Built-in kinds leave out the group and version that the surroundings tell.
  const own = custom ? { group, version } : { group: "", version: "" };
  return {
    version,
    resources: resources
      .filter(({ subresource }) => subresource === "")
      .map((one) => ({
        resource: one.resource,
        responseKind: { ...own, kind: one.kind },
        scope: one.namespaced ? "Namespaced" : "Cluster",
        singularResource: one.singular,
        verbs: one.verbs,
        ...(one.shortNames.length === 0 ? {} : { shortNames: one.shortNames }),
        ...(one.categories.length === 0 ? {} : { categories: one.categories }),
        ...subresourcesOf(one, resources, own),
      })),
    freshness: "Current",
  };
}

function subresourcesOf(
  parent: ApiResource,
  resources: readonly ApiResource[],
  own: { readonly group: string; readonly version: string },
): JsonObject {
  const children = resources.filter(
    (one) => one.resource === parent.resource && one.subresource !== "",
  );
  if (children.length === 0) return {};
  return {
    subresources: children.map((one) => ({
      subresource: one.subresource,
      responseKind: {
        group: one.kindGroup ?? own.group,
        version: one.kindVersion ?? own.version,
        kind: one.kind,
      },
      verbs: one.verbs,
    })),
  };
}
