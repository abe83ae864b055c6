/** Where in the API a URL points. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** "" for cluster-scoped resources and for collections over all namespaces. */
  readonly namespace: string;
  /** "" for a collection. */
  readonly name: string;
  readonly subresource: string;
}

/** Reads `/api/v1/...` and `/apis/<group>/<version>/...`; undefined for other paths. `path` has no query. */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const segments = decodeSegments(path);
  if (segments === undefined) return undefined;
  const [root, ...rest] = segments;
  if (root === "api") {
    const [version, ...inside] = rest;
    return version === undefined ? undefined : inGroup("", version, inside);
  }
  if (root !== "apis") return undefined;
  const [group, version, ...inside] = rest;
  return group === undefined || version === undefined ? undefined : inGroup(group, version, inside);
}

function inGroup(
  group: string,
  version: string,
  inside: readonly string[],
): ResourcePath | undefined {
  const [first, second, third, ...more] = inside;
  if (first === undefined) return undefined;
  const isNamespaceItself =
    third === undefined || ((third === "status" || third === "finalize") && more.length === 0);
  if (first === "namespaces" && second !== undefined && !isNamespaceItself) {
    return located({ group, version, namespace: second }, [third, ...more]);
  }
  return located({ group, version, namespace: "" }, inside);
}

function located(
  where: Pick<ResourcePath, "group" | "version" | "namespace">,
  parts: readonly string[],
): ResourcePath | undefined {
  const [resource, name = "", subresource = "", ...more] = parts;
  if (resource === undefined || more.length > 0) return undefined;
  return { ...where, resource, name, subresource };
}

function decodeSegments(path: string): readonly string[] | undefined {
  try {
    const segments = path.split("/").slice(1).map(decodeURIComponent);
    return segments.some((segment) => segment === "" || segment.includes("/"))
      ? undefined
      : segments;
  } catch {
    return undefined;
  }
}
