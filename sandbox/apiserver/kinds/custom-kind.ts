import { InvariantError } from "../../../api/invariant.ts";
import type { JsonObject } from "../object/json.ts";
import type { Kind } from "./kind.ts";

/** The kind a valid, stored CustomResourceDefinition defines. */
export function customKindOf(crd: JsonObject): Kind {
  throw new InvariantError("not written yet", { crd });
}
