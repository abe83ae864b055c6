import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { ANNOTATION_TRACED_WRITE } from "../../api/mcs/labels.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";

/**
 * Says on each ServiceImport and EndpointSlice that is written which write it is for. It never makes a write of its own: what is
 * as it should be stays without, and what was said for an earlier change stays until the next.
 */
export function tracedClient(
  client: KubeClient,
  write: string,
): Pick<KubeClient, "create" | "get" | "mergePatch" | "delete"> {
  const annotations = { [ANNOTATION_TRACED_WRITE]: write };
  return {
    get: (target, options) => client.get(target, options),
    delete: (target, preconditions, options) => client.delete(target, preconditions, options),
    create: <T extends KubeObject>(
      resource: Resource,
      object: T,
      options: Parameters<KubeClient["create"]>[2],
    ) =>
      client.create<T>(
        resource,
        isTraced(resource) ? marked(object, annotations) : object,
        options,
      ),
    mergePatch: (target, patch, options) =>
      client.mergePatch(
        target,
        isTraced(target.resource) && options.subresource === undefined
          ? marked(patch, annotations)
          : patch,
        options,
      ),
  };
}

function isTraced({ group, plural }: Resource): boolean {
  return [ENDPOINT_SLICES, serviceImports()].some(
    (traced) => traced.group === group && traced.plural === plural,
  );
}

/** Of an object as of a merge patch. */
function marked<T extends object>(object: T, annotations: Readonly<Record<string, string>>): T {
  const metadata: unknown = Reflect.get(object, "metadata");
  const before: unknown =
    typeof metadata === "object" && metadata !== null
      ? Reflect.get(metadata, "annotations")
      : undefined;
  return {
    ...object,
    metadata: {
      ...(typeof metadata === "object" ? metadata : {}),
      annotations: { ...(typeof before === "object" ? before : {}), ...annotations },
    },
  };
}
