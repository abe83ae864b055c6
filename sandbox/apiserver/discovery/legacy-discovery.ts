import type { JsonObject } from "../object/json.ts";
import type { ApiResource } from "./api-resource.ts";
import { type GroupVersion, groupVersionName } from "./group-version.ts";

/** `/api`. */
export function apiVersions(serverAddress: string): JsonObject {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
  };
}

/** `/apis`. */
export function apiGroupList(served: readonly GroupVersion[]): JsonObject {
  const groups = [...new Set(served.map(({ group }) => group))].filter((group) => group !== "");
  return {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: groups.map((group) => groupEntry(group, served)),
  };
}

/** `/apis/<group>`; undefined when the group is not served. */
export function apiGroup(group: string, served: readonly GroupVersion[]): JsonObject | undefined {
  if (!served.some((one) => one.group === group)) return undefined;
  return { kind: "APIGroup", apiVersion: "v1", ...groupEntry(group, served) };
}

/** `/api/v1` and `/apis/<group>/<version>`. */
export function apiResourceList(served: GroupVersion): JsonObject {
  return {
    kind: "APIResourceList",
    // The core group's list predates the field.
    ...(served.group === "" ? {} : { apiVersion: "v1" }),
    groupVersion: groupVersionName(served),
    resources: served.resources.map(resourceEntry),
  };
}

function groupEntry(group: string, served: readonly GroupVersion[]): JsonObject {
  const versions = served
    .filter((one) => one.group === group)
    .map((one) => ({ groupVersion: groupVersionName(one), version: one.version }));
  const [preferredVersion] = versions;
  return { name: group, versions, ...(preferredVersion === undefined ? {} : { preferredVersion }) };
}

function resourceEntry(one: ApiResource): JsonObject {
  return {
    name: one.subresource === "" ? one.resource : `${one.resource}/${one.subresource}`,
    singularName: one.singular,
    namespaced: one.namespaced,
    ...(one.kindGroup === undefined ? {} : { group: one.kindGroup }),
    ...(one.kindVersion === undefined ? {} : { version: one.kindVersion }),
    kind: one.kind,
    verbs: one.verbs,
    ...(one.shortNames.length === 0 ? {} : { shortNames: one.shortNames }),
    ...(one.categories.length === 0 ? {} : { categories: one.categories }),
    ...(one.storageVersionHash === undefined ? {} : { storageVersionHash: one.storageVersionHash }),
  };
}
