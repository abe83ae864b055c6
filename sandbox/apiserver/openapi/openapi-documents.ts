import { createHash } from "node:crypto";
import { type GroupVersion, groupVersions } from "../discovery/group-version.ts";
import type { Kind, KindVersion } from "../kinds/kind.ts";
import type { JsonObject, JsonValue } from "../object/json.ts";
import type { KindRegistry } from "../registry/kind-registry.ts";
import type { Schema } from "../schema/schema.ts";
import { pathsOfKind } from "./openapi-paths.ts";

/** OpenAPI documents of the kinds served now, made when first asked for and kept until the kinds change. */
export class OpenApiDocuments {
  readonly #kinds: KindRegistry;
  #generation = -1;
  /** By path below `/openapi/v3/`. BOUNDED: by the group versions served. */
  #v3 = new Map<string, string>();
  #v2: string | undefined;

  constructor(kinds: KindRegistry) {
    this.#kinds = kinds;
  }

  /** `/openapi/v3`: where each group version's document is; the hash in the URL changes with the document. */
  index(): JsonObject {
    this.#refresh();
    const paths = [...this.#v3].map(([path, document]) => [
      path,
      { serverRelativeURL: `/openapi/v3/${path}?hash=${hashOf(document)}` },
    ]);
    return { paths: Object.fromEntries(paths) };
  }

  /** One group version's document; `path` is `api/v1` or `apis/<group>/<version>`. */
  v3(path: string): string | undefined {
    this.#refresh();
    return this.#v3.get(path);
  }

  /** All kinds in one Swagger 2.0 document. */
  v2(): string {
    this.#refresh();
    this.#v2 ??= JSON.stringify(swagger(this.#kinds));
    return this.#v2;
  }

  #refresh(): void {
    if (this.#generation === this.#kinds.generation) return;
    this.#generation = this.#kinds.generation;
    this.#v2 = undefined;
    this.#v3 = new Map(
      groupVersions(this.#kinds).map((served) => [
        pathOf(served),
        JSON.stringify(groupVersionDocument(served, this.#kinds)),
      ]),
    );
  }
}

const INFO = { title: "Kubernetes", version: "v1.36.0" };

function groupVersionDocument(served: GroupVersion, kinds: KindRegistry): JsonObject {
  let paths: Readonly<Record<string, JsonObject>> = {};
  const schemas: Record<string, JsonValue> = {};
  for (const [kind, version] of servedKinds(kinds)) {
    if (kind.group !== served.group || version.name !== served.version) continue;
    paths = { ...paths, ...pathsOfKind(kind, version, "v3") };
    schemas[schemaName(kind, version)] = published(kind, version);
  }
  return { openapi: "3.0.0", info: INFO, paths, components: { schemas } };
}

function swagger(kinds: KindRegistry): JsonObject {
  let paths: Readonly<Record<string, JsonObject>> = {};
  const definitions: Record<string, JsonValue> = {};
  for (const [kind, version] of servedKinds(kinds)) {
    paths = { ...paths, ...pathsOfKind(kind, version, "v2") };
    definitions[schemaName(kind, version)] = published(kind, version);
  }
  return { swagger: "2.0", info: INFO, paths, definitions };
}

function servedKinds(kinds: KindRegistry): readonly (readonly [Kind, KindVersion])[] {
  return kinds
    .all()
    .flatMap((kind) =>
      kind.versions.filter((version) => version.served).map((version) => [kind, version] as const),
    );
}

function published(kind: Kind, version: KindVersion): JsonObject {
  const name = { group: kind.group, version: version.name, kind: kind.kind };
  return { ...schemaJson(version.schema), "x-kubernetes-group-version-kind": [name] };
}

/** A schema is plain JSON already: this only tells the compiler so. */
function schemaJson(schema: Schema): JsonObject {
  return schema as unknown as JsonObject;
}

/** As the real server names schemas: `io.x-k8s.multicluster.v1beta1.ServiceExport`. */
function schemaName(kind: Kind, version: KindVersion): string {
  if (!kind.custom) {
    const group = kind.group === "" ? "core" : (kind.group.split(".", 1)[0] ?? "");
    return `io.k8s.api.${group}.${version.name}.${kind.kind}`;
  }
  return [...kind.group.split(".").reverse(), version.name, kind.kind].join(".");
}

function pathOf({ group, version }: GroupVersion): string {
  return group === "" ? `api/${version}` : `apis/${group}/${version}`;
}

function hashOf(document: string): string {
  return createHash("sha512").update(document).digest("hex").toUpperCase();
}
