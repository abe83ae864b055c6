import type { FieldError } from "../../object/field-error.ts";
import { field, type JsonObject, withField } from "../../object/json.ts";
import { dnsSubdomain } from "../../object/name-rules.ts";
import type { Schema } from "../../schema/schema.ts";
import { validate } from "../../schema/validate.ts";
import type { Strategy } from "../kind.ts";
import { strategyOf } from "../strategy.ts";

export interface CustomRules {
  readonly group: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly hasStatus: boolean;
  /** Of the storage version: what is stored obeys it. */
  readonly schema: Schema;
}

/** Custom resources have no rules but their schema's. */
export function customStrategy({ schema, ...names }: CustomRules): Strategy {
  const statusSchema = schema.properties?.["status"];
  return strategyOf({
    ...names,
    name: dnsSubdomain,
    generation: true,
    statusChangesMetadata: false,
    validate: (object, _context, old) => validateBody(schema, object, old),
    validateStatus: (next, old) => {
      const status = field(next, "status");
      if (statusSchema === undefined || status === undefined) return [];
      return validate(statusSchema, status, { at: "status", old: field(old, "status") });
    },
  });
}

/** Metadata has its own rules. */
function validateBody(
  schema: Schema,
  object: JsonObject,
  old: JsonObject | undefined,
): readonly FieldError[] {
  const body = withField(object, "metadata", undefined);
  const { metadata: _, ...properties } = schema.properties ?? {};
  const required = schema.required?.filter((name) => name !== "metadata") ?? [];
  return validate({ ...schema, properties, required }, body, {
    old: old === undefined ? undefined : withField(old, "metadata", undefined),
  });
}
