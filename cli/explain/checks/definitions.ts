import type { CustomResourceDefinition } from "../../../api/kube/custom-resource-definition.ts";
import { MCS_GROUP, MCS_VERSIONS } from "../../../api/mcs/service-export.ts";
import { type Check, notTested, right, wrong } from "../finding.ts";

/** Fields that are written and read: a definition without one drops it in silence. `endpointSliceObjects` is newer and may be dropped (IMP-33). */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  serviceexports: ["spec.exportedLabels", "spec.exportedAnnotations", "status.conditions"],
  serviceimports: [
    ...["type", "ports", "ips", "ipFamilies", "sessionAffinity"].map((field) => `spec.${field}`),
    ...["internalTrafficPolicy", "trafficDistribution"].map((field) => `spec.${field}`),
    ...["status.clusters", "status.conditions"],
  ],
};
const MEND =
  'run "isthmus crds --apply" here: it brings the definitions to this version, and never takes one back (VER-07)';

/** Are the definitions those that this version speaks? (VER-01, VER-07) */
export const checkDefinitions: Check = ({ definitions }) => {
  if (!definitions.ok) return notTested(definitions.error);
  const served: string[] = [];
  for (const [plural, fields] of Object.entries(NEEDED)) {
    const name = `${plural}.${MCS_GROUP}`;
    const definition = definitions.value.find(({ metadata }) => metadata.name === name);
    if (definition === undefined) return wrong(`there is no definition ${name}`, MEND);
    const { versions } = definition.spec;
    const version = MCS_VERSIONS.map((wanted) =>
      versions.find((one) => one.name === wanted && one.served),
    ).find((one) => one !== undefined);
    if (version === undefined) {
      const seen = versions.filter((one) => one.served).map((one) => one.name);
      return wrong(
        `${name} is served as ${seen.join(", ") || "nothing"}, not as ${MCS_VERSIONS.join(" or ")}`,
        MEND,
      );
    }
    const missing = fields.filter((field) => !hasField(version, field));
    if (missing.length > 0) {
      return wrong(
        `${name} is of another release: ${version.name} has no ${missing.join(", ")}, which the API server drops in silence`,
        MEND,
      );
    }
    served.push(`${plural} ${version.name}`);
  }
  return right(served.join(", "));
};

type Version = CustomResourceDefinition["spec"]["versions"][number];

/** True also where the schema does not say. */
function hasField({ schema }: Version, path: string): boolean {
  let at = property(schema, "openAPIV3Schema");
  for (const key of path.split(".")) {
    if (property(at, "x-kubernetes-preserve-unknown-fields") === true) return true;
    const properties = property(at, "properties");
    if (properties === undefined) return true;
    at = property(properties, key);
    if (at === undefined) return false;
  }
  return true;
}

function property(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
