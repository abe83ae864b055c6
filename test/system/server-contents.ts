import type { CustomResourceDefinition } from "../../api/kube/custom-resource-definition.ts";
import { CUSTOM_RESOURCE_DEFINITIONS } from "../../api/kube/custom-resource-definition.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { must } from "../../api/result.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { builtinKinds } from "../../sandbox/apiserver/kinds/builtin-kinds.ts";

const { signal } = new AbortController();

const BY_SERVERS = ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"];

/** What somebody wants of an object: without what servers add, and who wrote which field. */
function wishOf(object: KubeObject): KubeObject {
  const metadata = Object.entries(object.metadata).filter(([key]) => !BY_SERVERS.includes(key));
  const rest = Object.entries(object).filter(([key]) => key !== "status");
  return {
    ...Object.fromEntries(rest),
    metadata: Object.fromEntries(metadata),
  } as unknown as KubeObject;
}

/** Every object of a server by kind, namespace and name, custom ones too, but for definitions and Events. */
export async function contentsOf(client: KubeClient): Promise<ReadonlyMap<string, KubeObject>> {
  const found = new Map<string, KubeObject>();
  for (const resource of [...builtinResources(), ...(await customResources(client))]) {
    const page = must(await client.list<KubeObject>(resource, {}, { signal }));
    for (const object of page.items) {
      const { namespace = "", name } = object.metadata;
      found.set(`${resource.kind} ${namespace}/${name}`, wishOf(object));
    }
  }
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** What the embedded server knows is what we may make; real ones have more. */
function builtinResources(): readonly Resource[] {
  return builtinKinds()
    .filter(({ kind }) => kind !== "CustomResourceDefinition" && kind !== "Event")
    .map(({ group, plural, kind, namespaced, storageVersion }) => {
      return { group, version: storageVersion, plural, kind, namespaced };
    });
}

async function customResources(client: KubeClient): Promise<readonly Resource[]> {
  const definitions = must(
    await client.list<CustomResourceDefinition>(CUSTOM_RESOURCE_DEFINITIONS, {}, { signal }),
  ).items;
  return definitions.flatMap(({ spec }) => {
    const { group, names, scope, versions } = spec;
    const version = versions.find(({ served }) => served)?.name;
    const namespaced = scope === "Namespaced";
    return version === undefined ? [] : [{ ...names, group, version, namespaced }];
  });
}

export async function definitionOf(
  client: KubeClient,
  name: string,
): Promise<CustomResourceDefinition> {
  return must(await client.get({ resource: CUSTOM_RESOURCE_DEFINITIONS, name }, { signal }));
}

/** As another release would have it: its labels, and a schema that says so. */
export async function installDefinition(
  client: KubeClient,
  shipped: CustomResourceDefinition,
  release: string,
): Promise<void> {
  const domain = shipped.spec.group.endsWith("isthmus.dev")
    ? "isthmus.dev"
    : "multicluster.x-k8s.io";
  const labels = {
    ...shipped.metadata.labels,
    [`${domain}/release-version`]: release,
    [`${domain}/crd-schema-revision`]: "0",
  };
  const spec = { ...shipped.spec, names: { ...shipped.spec.names, shortNames: [OTHER_RELEASE] } };
  const object = { ...shipped, metadata: { ...shipped.metadata, labels }, spec };
  must(await client.create(CUSTOM_RESOURCE_DEFINITIONS, object, { signal }));
}

const OTHER_RELEASE = "otherrelease";

/** Whether a definition is still the one that `installDefinition` put there. */
export function isOfOtherRelease({ spec }: CustomResourceDefinition): boolean {
  return (
    (spec.names as { readonly shortNames?: readonly string[] }).shortNames?.includes(
      OTHER_RELEASE,
    ) === true
  );
}
