import { type FieldError, required } from "../../object/field-error.ts";
import { type JsonObject, listAt, objectAt, stringAt } from "../../object/json.ts";
import { dnsSubdomain } from "../../object/name-rules.ts";
import { anyObject } from "../../schema/build-schema.ts";
import { builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN, textColumn } from "../columns/printer-columns.ts";

// Kept as they are and never evaluated: there is no CEL in this server.

const COMMON = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  namespaced: false,
  name: dnsSubdomain,
  generation: true,
} as const;

export const ADMISSION_POLICY = builtinKind({
  ...COMMON,
  kind: "ValidatingAdmissionPolicy",
  plural: "validatingadmissionpolicies",
  description: "ValidatingAdmissionPolicy describes which requests are accepted.",
  subresources: { status: true },
  properties: {
    spec: anyObject("What is matched and what must be true."),
    status: anyObject("Warnings of type checking."),
  },
  empty: { spec: {}, status: {} },
  columns: [
    textColumn("Validations", "Number of validation rules.", (policy) =>
      String(listAt(policy, ["spec", "validations"]).length),
    ),
    textColumn("ParamKind", "Kind of the parameters.", (policy) => {
      const kind = stringAt(policy, ["spec", "paramKind", "kind"]);
      return kind === ""
        ? "<unset>"
        : `${stringAt(policy, ["spec", "paramKind", "apiVersion"])}/${kind}`;
    }),
    AGE_COLUMN,
  ],
  rules: { initialStatus: {}, validate: validatePolicy },
});

export const ADMISSION_POLICY_BINDING = builtinKind({
  ...COMMON,
  kind: "ValidatingAdmissionPolicyBinding",
  plural: "validatingadmissionpolicybindings",
  description: "ValidatingAdmissionPolicyBinding puts a policy into force.",
  properties: { spec: anyObject("The policy, its parameters and what follows.") },
  empty: { spec: {} },
  columns: [
    textColumn("PolicyName", "The policy.", (binding) => stringAt(binding, ["spec", "policyName"])),
    textColumn("ParamRef", "Its parameters.", (binding) => {
      const name = stringAt(binding, ["spec", "paramRef", "name"]);
      return name === "" ? "<unset>" : name;
    }),
    AGE_COLUMN,
  ],
  rules: {
    validate: (binding) =>
      stringAt(binding, ["spec", "policyName"]) === "" ? [required("spec.policyName")] : [],
  },
});

function validatePolicy(policy: JsonObject): readonly FieldError[] {
  const hasMatch = Object.keys(objectAt(policy, ["spec", "matchConstraints"])).length > 0;
  const hasRule = ["validations", "auditAnnotations"].some(
    (name) => listAt(policy, ["spec", name]).length > 0,
  );
  return [
    ...(hasMatch ? [] : [required("spec.matchConstraints")]),
    ...(hasRule ? [] : [required("spec.validations")]),
  ];
}
