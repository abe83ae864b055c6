import { err, ok } from "../../../api/result.ts";
import type { FieldError } from "../object/field-error.ts";
import {
  field,
  fieldAt,
  type JsonObject,
  type JsonValue,
  stringAt,
  withField,
  withFieldAt,
} from "../object/json.ts";
import {
  withGeneration,
  withMetadataForCreate,
  withMetadataForUpdate,
} from "../object/metadata.ts";
import type { NameRule } from "../object/name-rules.ts";
import { invalid } from "../object/status-error.ts";
import { validateMetadata, validateMetadataUpdate } from "../object/validate-metadata.ts";
import type { Prepared, Strategy, StrategyContext } from "./kind.ts";

/** What makes one kind's strategy different from another's. */
export interface StrategyRules {
  readonly group: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly name: NameRule;
  /** Whether metadata.generation counts changes. */
  readonly generation: boolean;
  /** With a status subresource: what status a new object has, whatever the client sent. */
  readonly initialStatus?: JsonValue;
  readonly hasStatus: boolean;
  applyDefaults?(object: JsonObject): JsonObject;
  /** Fills in what only the server knows, before validation. */
  initialize?(object: JsonObject, context: StrategyContext): JsonObject;
  /** Keeps of `old` what an update leaves out and may not lose, before validation. */
  carryOver?(next: JsonObject, old: JsonObject, context: StrategyContext): JsonObject;
  /** Rules of the object by itself; `old` for those that are only held against what changed. */
  validate?(
    object: JsonObject,
    context: StrategyContext,
    old: JsonObject | undefined,
  ): readonly FieldError[];
  /** Rules between an object and what it was. */
  validateUpdate?(next: JsonObject, old: JsonObject): readonly FieldError[];
  validateStatus?(next: JsonObject, old: JsonObject): readonly FieldError[];
  /** Whether the status subresource may change labels and annotations: so for built-ins. */
  readonly statusChangesMetadata: boolean;
  readonly allocate?: Strategy["allocate"];
  readonly onDeleted?: Strategy["onDeleted"];
}

const MANAGED_FIELDS = ["metadata", "managedFields"];

/** The steps every kind's writes have in common. */
export function strategyOf(rules: StrategyRules): Strategy {
  return {
    applyDefaults: (object) => rules.applyDefaults?.(object) ?? object,
    prepareCreate: (object, context) => prepareCreate(rules, object, context),
    prepareUpdate: (next, old, context) => prepareUpdate(rules, { next, old }, context),
    prepareStatusUpdate: (next, old) => prepareStatusUpdate(rules, { next, old }),
    ...(rules.allocate === undefined ? {} : { allocate: rules.allocate }),
    ...(rules.onDeleted === undefined ? {} : { onDeleted: rules.onDeleted }),
  };
}

interface Change {
  readonly next: JsonObject;
  readonly old: JsonObject;
}

function prepareCreate(
  rules: StrategyRules,
  object: JsonObject,
  context: StrategyContext,
): Prepared {
  const named = withMetadataForCreate(object, rules, context);
  const fresh = rules.hasStatus ? withField(named, "status", rules.initialStatus) : named;
  const filled = rules.initialize?.(fresh, context) ?? fresh;
  return checked(rules, filled, [
    ...validateMetadata(filled, rules),
    ...(rules.validate?.(filled, context, undefined) ?? []),
  ]);
}

function prepareUpdate(
  rules: StrategyRules,
  { next, old }: Change,
  context: StrategyContext,
): Prepared {
  const kept = withMetadataForUpdate(next, old);
  const own = rules.hasStatus ? withField(kept, "status", field(old, "status")) : kept;
  const carried = rules.carryOver?.(own, old, context) ?? own;
  const counted = rules.generation ? withGeneration(carried, old) : carried;
  return checked(rules, counted, [
    ...validateMetadataUpdate(counted, old, rules),
    ...(rules.validate?.(counted, context, old) ?? []),
    ...(rules.validateUpdate?.(counted, old) ?? []),
  ]);
}

function prepareStatusUpdate(rules: StrategyRules, { next, old }: Change): Prepared {
  const kept = withMetadataForUpdate(next, old);
  const metadata = rules.statusChangesMetadata ? field(kept, "metadata") : field(old, "metadata");
  const changed = withField(withField(old, "metadata", metadata), "status", field(next, "status"));
  const owners = fieldAt(kept, MANAGED_FIELDS);
  const tracked = withFieldAt(changed, MANAGED_FIELDS, owners);
  return checked(rules, tracked, [
    ...validateMetadataUpdate(tracked, old, rules),
    ...(rules.validateStatus?.(tracked, old) ?? []),
  ]);
}

function checked(
  rules: StrategyRules,
  object: JsonObject,
  errors: readonly FieldError[],
): Prepared {
  if (errors.length === 0) return ok(object);
  return err(invalid(rules, stringAt(object, ["metadata", "name"]), errors));
}
