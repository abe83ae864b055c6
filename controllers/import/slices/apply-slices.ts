import { ENDPOINT_SLICES } from "../../../api/kube/endpoint-slice.ts";
import { ok, type Result } from "../../../api/result.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import type { OwnObjects } from "../../reconcile/own-objects.ts";
import type { SliceOp } from "./diff-slices.ts";

/** Writes slices one after the other; stops at the first failure, the next pass goes on from there. */
export async function applySliceOps(
  objects: OwnObjects,
  ops: readonly SliceOp[],
  signal: AbortSignal,
): Promise<Result<void, KubeError>> {
  for (const op of ops) {
    const done = await applyOp(objects, op, signal);
    if (!done.ok) return done;
  }
  return ok(undefined);
}

async function applyOp(
  objects: OwnObjects,
  op: SliceOp,
  signal: AbortSignal,
): Promise<Result<unknown, KubeError>> {
  switch (op.kind) {
    case "create":
      return objects.ensure(ENDPOINT_SLICES, undefined, { make: () => op.slice, signal });
    case "patch":
      return objects.patch(ENDPOINT_SLICES, op.observed, { patch: op.patch, signal });
    case "delete":
      return objects.remove(ENDPOINT_SLICES, op.observed, signal);
  }
}
