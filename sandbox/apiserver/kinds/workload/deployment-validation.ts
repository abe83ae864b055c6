import { type FieldError, forbiddenField, invalidValue } from "../../object/field-error.ts";
import { field, type JsonObject, type JsonValue, numberAt, objectAt } from "../../object/json.ts";

const TYPES = ["Recreate", "RollingUpdate"];
const PERCENT =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

/** Rules of a Deployment besides those of every workload, in the order the real server reports them. */
export function validateRollout(deployment: JsonObject): readonly FieldError[] {
  const spec = objectAt(deployment, ["spec"]);
  const minReady = numberAt(spec, ["minReadySeconds"]) ?? 0;
  const deadline = numberAt(spec, ["progressDeadlineSeconds"]);
  return [
    ...validateStrategy(objectAt(spec, ["strategy"])),
    ...notNegative("spec.minReadySeconds", minReady),
    ...notNegative("spec.revisionHistoryLimit", field(spec, "revisionHistoryLimit")),
    ...notNegative("spec.progressDeadlineSeconds", deadline),
    ...(deadline === undefined || deadline > minReady
      ? []
      : [
          invalidValue(
            "spec.progressDeadlineSeconds",
            deadline,
            "must be greater than minReadySeconds",
          ),
        ]),
  ];
}

function validateStrategy(strategy: JsonObject): readonly FieldError[] {
  const at = "spec.strategy.rollingUpdate";
  const type = field(strategy, "type") ?? "";
  const rolling = field(strategy, "rollingUpdate");
  if (type === "Recreate") {
    if (rolling === undefined) return [];
    return [forbiddenField(at, "may not be specified when strategy `type` is 'Recreate'")];
  }
  if (type !== "RollingUpdate") return [unknownStrategy(type, rolling)];
  const { maxSurge = 0, maxUnavailable = 0 } = objectAt(strategy, ["rollingUpdate"]);
  const wrong = [
    ...validateShare(`${at}.maxUnavailable`, maxUnavailable),
    ...validateShare(`${at}.maxSurge`, maxSurge),
  ];
  if (isNone(maxUnavailable) && isNone(maxSurge)) {
    const text = "may not be 0 when `maxSurge` is 0";
    return [...wrong, invalidValue(`${at}.maxUnavailable`, maxUnavailable, text)];
  }
  if (typeof maxUnavailable !== "string" || !(Number.parseInt(maxUnavailable, 10) > 100)) {
    return wrong;
  }
  return [
    ...wrong,
    invalidValue(`${at}.maxUnavailable`, maxUnavailable, "must not be greater than 100%"),
  ];
}

/** The real server shows the whole strategy, as Go names its fields. */
function unknownStrategy(type: JsonValue, rolling: JsonValue | undefined): FieldError {
  const seen = JSON.stringify({ Type: type, RollingUpdate: rolling ?? null });
  const supported = TYPES.map((one) => JSON.stringify(one)).join(", ");
  return {
    type: "FieldValueNotSupported",
    field: "spec.strategy",
    message: `Unsupported value: ${seen}: supported values: ${supported}`,
  };
}

/** A count, or a share of the replicas. */
function validateShare(at: string, value: JsonValue): readonly FieldError[] {
  if (typeof value !== "string") return notNegative(at, value);
  return /^[0-9]+%$/.test(value) ? [] : [invalidValue(at, value, PERCENT)];
}

function isNone(value: JsonValue): boolean {
  return value === 0 || value === "0%";
}

function notNegative(at: string, value: JsonValue | undefined): readonly FieldError[] {
  if (typeof value !== "number" || value >= 0) return [];
  return [invalidValue(at, value, "must be greater than or equal to 0")];
}
