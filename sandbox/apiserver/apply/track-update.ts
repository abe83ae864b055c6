import { InvariantError } from "../../../api/invariant.ts";
import type { KindVersion } from "../kinds/kind.ts";
import type { JsonObject } from "../object/json.ts";

export interface UpdateRecord {
  /** The stored object in the version of the request, `undefined` on create. */
  readonly before: JsonObject | undefined;
  /** The decoded object as the client wants it. */
  readonly after: JsonObject;
  /** The `fieldManager` parameter, else the user agent up to its first "/" ("unknown" when there is none). */
  readonly manager: string;
  readonly version: Pick<KindVersion, "schema">;
  readonly apiVersion: string;
  readonly nowMs: number;
  readonly subresource: string;
  readonly hasStatusSubresource: boolean;
}

/** `after` with managedFields that record who changed what by create, update or a patch that is not an apply. */
export function trackUpdate(record: UpdateRecord): JsonObject {
  throw new InvariantError("not written yet", { record });
}
