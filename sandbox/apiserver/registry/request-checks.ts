import { err, ok, type Result } from "../../../api/result.ts";
import { invalidValue } from "../object/field-error.ts";
import { type JsonObject, stringAt, withFieldAt } from "../object/json.ts";
import {
  badRequest,
  conflict,
  invalid,
  STALE_OBJECT,
  type StatusError,
} from "../object/status-error.ts";
import { resourceVersionOf } from "../store/resource-version.ts";
import type { NamedTarget, Target } from "./registry-state.ts";

/** Built-in kinds whose PUT needs a resourceVersion (AllowUnconditionalUpdate is false). */
const CONDITIONAL_UPDATE_ONLY: ReadonlySet<string> = new Set([
  "leases",
  "customresourcedefinitions",
]);

/** The body's namespace must be the URL's; it is filled in when absent. */
export function placeInNamespace(
  { kind, namespace }: Target,
  body: JsonObject,
): Result<JsonObject, StatusError> {
  const written = stringAt(body, ["metadata", "namespace"]);
  if (!kind.namespaced) {
    return ok(written === "" ? body : withFieldAt(body, ["metadata", "namespace"], undefined));
  }
  if (namespace === undefined) {
    return err(badRequest("an empty namespace may not be set during creation"));
  }
  if (written !== "" && written !== namespace) {
    return err(
      badRequest(
        "the namespace of the provided object does not match the namespace sent on the request",
      ),
    );
  }
  return ok(withFieldAt(body, ["metadata", "namespace"], namespace));
}

/** Name and namespace of the body must be the URL's; they are filled in when absent. */
export function checkNames(target: NamedTarget, body: JsonObject): Result<JsonObject, StatusError> {
  const written = stringAt(body, ["metadata", "name"]);
  if (written !== "" && written !== target.name) {
    return err(
      badRequest(
        `the name of the object (${written}) does not match the name on the URL (${target.name})`,
      ),
    );
  }
  return placeInNamespace(target, withFieldAt(body, ["metadata", "name"], target.name));
}

/** The resourceVersion and uid that the client believes in must be the stored ones. */
export function checkPreconditions(
  { kind, name }: NamedTarget,
  next: JsonObject,
  stored: JsonObject,
): Result<void, StatusError> {
  const asked = resourceVersionOf(next);
  if (asked === "" || asked === "0") {
    if (kind.custom || CONDITIONAL_UPDATE_ONLY.has(kind.plural)) {
      const error = invalidValue("metadata.resourceVersion", 0, "must be specified for an update");
      return err(invalid({ group: kind.group, kind: kind.plural }, name, [error]));
    }
  } else if (asked !== resourceVersionOf(stored)) {
    return err(conflict(kind, name, STALE_OBJECT));
  }
  const askedUid = stringAt(next, ["metadata", "uid"]);
  const uid = stringAt(stored, ["metadata", "uid"]);
  if (askedUid !== "" && askedUid !== uid) {
    const why = `Precondition failed: UID in precondition: ${askedUid}, UID in object meta: ${uid}`;
    return err(conflict(kind, name, why));
  }
  return ok(undefined);
}
