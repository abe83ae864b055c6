import { type FieldError, invalidValue, required } from "../../object/field-error.ts";
import { field, type JsonObject, jsonEquals, objectAt, stringAt } from "../../object/json.ts";
import { pathSegment } from "../../object/name-rules.ts";
import { anyObject, atomicList, atomicStruct, pointer, text } from "../../schema/build-schema.ts";
import type { Schema } from "../../schema/schema.ts";
import { type BuiltinKind, builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN, textColumn } from "../columns/printer-columns.ts";
import type { Kind } from "../kind.ts";

// Kept as they are and never enforced: there is no RBAC in this server.

const RULES: Schema = atomicList("What may be done to what.", anyObject("A policy rule."));

const ROLE_REF = atomicStruct("RoleRef", "The role; it cannot be changed.", {
  apiGroup: text("API group of the role."),
  kind: text("Role or ClusterRole."),
  name: text("Name of the role."),
});

const CREATED_COLUMN = textColumn("Created At", "When the role was made.", (role) =>
  stringAt(role, ["metadata", "creationTimestamp"]),
);

const ROLE_COLUMN = textColumn(
  "Role",
  "The role that is given.",
  (binding) =>
    `${stringAt(binding, ["roleRef", "kind"])}/${stringAt(binding, ["roleRef", "name"])}`,
);

function rbac(kind: string, namespaced: boolean): Omit<BuiltinKind, "properties" | "rules"> {
  const isRole = kind.endsWith("Role");
  return {
    group: "rbac.authorization.k8s.io",
    version: "v1",
    kind,
    plural: `${kind.toLowerCase()}s`,
    namespaced,
    description: isRole
      ? `${kind} is a set of rules that can be given to subjects.`
      : `${kind} gives a role to subjects.`,
    empty: isRole ? { rules: null } : { roleRef: {} },
    columns: isRole ? [CREATED_COLUMN] : [ROLE_COLUMN, AGE_COLUMN],
    name: pathSegment,
  };
}

function role(kind: "Role" | "ClusterRole"): Kind {
  const aggregation =
    kind === "Role"
      ? {}
      : { aggregationRule: pointer(anyObject("Rules come from the roles that this selects.")) };
  return builtinKind({
    ...rbac(kind, kind === "Role"),
    properties: { rules: RULES, ...aggregation },
    rules: {},
  });
}

function binding(kind: "RoleBinding" | "ClusterRoleBinding"): Kind {
  return builtinKind({
    ...rbac(kind, kind === "RoleBinding"),
    properties: {
      subjects: atomicList("To whom the role is given.", anyObject("A subject.")),
      roleRef: ROLE_REF,
    },
    rules: { validate: validateBinding, validateUpdate: validateSameRole },
  });
}

export const ROLE = role("Role");
export const CLUSTER_ROLE = role("ClusterRole");
export const ROLE_BINDING = binding("RoleBinding");
export const CLUSTER_ROLE_BINDING = binding("ClusterRoleBinding");

function validateBinding(object: JsonObject): readonly FieldError[] {
  return stringAt(object, ["roleRef", "name"]) === "" ? [required("roleRef.name")] : [];
}

function validateSameRole(next: JsonObject, old: JsonObject): readonly FieldError[] {
  if (jsonEquals(objectAt(next, ["roleRef"]), objectAt(old, ["roleRef"]))) return [];
  return [invalidValue("roleRef", field(next, "roleRef") ?? {}, "cannot change roleRef")];
}
