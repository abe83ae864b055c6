import { InvariantError } from "../../../api/invariant.ts";
import type { Result } from "../../../api/result.ts";
import type { KindVersion } from "../kinds/kind.ts";
import type { JsonObject } from "../object/json.ts";
import type { StatusError } from "../object/status-error.ts";

export interface ApplyRequest {
  /** The stored object in the version of the request, `undefined` when the apply creates it. */
  readonly live: JsonObject | undefined;
  readonly applied: JsonObject;
  readonly manager: string;
  readonly force: boolean;
  readonly version: Pick<KindVersion, "schema">;
  /** As objects say it: `v1`, `discovery.k8s.io/v1`. */
  readonly apiVersion: string;
  readonly nowMs: number;
  /** "" for the main resource. */
  readonly subresource: string;
  readonly hasStatusSubresource: boolean;
}

export interface Applied {
  readonly object: JsonObject;
  /** False when the object and its managedFields stay as they are. */
  readonly changed: boolean;
}

/** Server-side apply: merges what a manager wants into the live object and records what it owns. 409 on conflicts. */
export function applyPatch(request: ApplyRequest): Result<Applied, StatusError> {
  throw new InvariantError("not written yet", { request });
}
