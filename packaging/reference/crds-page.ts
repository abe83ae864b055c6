import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ROOT } from "../bundle.ts";
import { cell, code, type Page, table } from "./page.ts";

/** What the page needs of an OpenAPI schema. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
}

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: { readonly kind: string; readonly shortNames?: readonly string[] };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
}

/** Fields of every object of Kubernetes, which say nothing about ours. */
const EVERYWHERE = ["apiVersion", "kind", "metadata"];

/** Every definition that is shipped, field by field, of the version that is stored. */
export function crdsPage(): Page {
  const files = ["api/crds", "api/crds/hub"].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith(".yaml"))
      .toSorted()
      .map((name) => join(ROOT, folder, name)),
  );
  const sections = files.map((file) =>
    definitionText(parse(readFileSync(file, "utf8")) as Definition),
  );
  const introduction =
    "What `isthmus crds` prints (`isthmus crds --hub` for the hub's). Fields are those of the version that is stored; `*` marks required ones, `[]` each item of a list, `{}` each value of a map.";
  return {
    file: "crds.md",
    title: "Custom resources",
    body: [introduction, ...sections].join("\n\n"),
  };
}

function definitionText({ metadata, spec }: Definition): string {
  const stored = spec.versions.find(({ storage }) => storage);
  if (stored === undefined) throw new Error(`${metadata.name} must store one version: got none`);
  const schema = stored.schema.openAPIV3Schema;
  const versions = spec.versions
    .filter(({ served }) => served)
    .map(({ name, storage }) => `\`${name}\`${storage ? " (stored)" : ""}`);
  const short = (spec.names.shortNames ?? []).map(code).join(", ");
  const facts = [
    `Group \`${spec.group}\``,
    `versions ${versions.join(", ")}`,
    spec.scope === "Cluster" ? "of the whole cluster" : "in a namespace",
    ...(short === "" ? [] : [`short ${short}`]),
  ];
  const rows = fieldsOf(schema, "").map(({ path, field, isRequired }) => [
    code(`${path}${isRequired ? " *" : ""}`),
    cell(typeOf(field)),
    cell(firstParagraph(field.description ?? "")),
  ]);
  return [
    `## ${spec.names.kind}`,
    cell(firstParagraph(schema.description ?? "")),
    `${facts.join(" · ")}.`,
    table(["field", "type", "meaning"], rows),
  ].join("\n\n");
}

interface Field {
  readonly path: string;
  readonly field: Schema;
  readonly isRequired: boolean;
}

function fieldsOf(schema: Schema, prefix: string): readonly Field[] {
  return Object.entries(schema.properties ?? {})
    .filter(([name]) => prefix !== "" || !EVERYWHERE.includes(name))
    .flatMap(([name, field]) => {
      const path = prefix === "" ? name : `${prefix}.${name}`;
      const isRequired = schema.required?.includes(name) === true;
      return [{ path, field, isRequired }, ...fieldsOf(field, path), ...fieldsInside(field, path)];
    });
}

function fieldsInside({ items, additionalProperties }: Schema, path: string): readonly Field[] {
  const ofItems = items === undefined ? [] : fieldsOf(items, `${path}[]`);
  const ofValues =
    typeof additionalProperties === "object" ? fieldsOf(additionalProperties, `${path}{}`) : [];
  return [...ofItems, ...ofValues];
}

function typeOf(field: Schema): string {
  if (field.enum !== undefined) return field.enum.map(String).join(", ");
  if (field.type === "array") {
    const most = field.maxItems === undefined ? "" : `, at most ${field.maxItems}`;
    return `list of ${typeOf(field.items ?? {})}${most}`;
  }
  const { additionalProperties: values } = field;
  if (typeof values === "object") return `map of ${typeOf(values)}`;
  return [
    field.format ?? field.type ?? "any",
    ...(field.minimum === undefined ? [] : [`from ${field.minimum}`]),
    ...(field.maximum === undefined ? [] : [`to ${field.maximum}`]),
    ...(field.maxLength === undefined ? [] : [`at most ${field.maxLength} characters`]),
    ...(field.default === undefined ? [] : [`default ${JSON.stringify(field.default)}`]),
  ].join(", ");
}

function firstParagraph(text: string): string {
  return text.split(/\n\s*\n/)[0] ?? "";
}
