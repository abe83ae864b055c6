import { ENDPOINT_SLICES } from "../../../api/kube/endpoint-slice.ts";
import { ok, type Result } from "../../../api/result.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import type { OwnObjects } from "../../reconcile/own-objects.ts";
import { diffSlice, type SliceOp } from "./diff-slices.ts";

/** A name that is ours by rule, held by somebody else's object. */
export interface Occupied {
  readonly kind: "ServiceImport" | "Service" | "EndpointSlice";
  readonly name: string;
}

/**
 * Writes slices one after the other; stops at the first failure, the next pass goes on from there.
 * @returns slices that could not be written because their name is taken.
 */
export async function applySliceOps(
  objects: OwnObjects,
  ops: readonly SliceOp[],
  signal: AbortSignal,
): Promise<Result<readonly Occupied[], KubeError>> {
  const occupied: Occupied[] = [];
  for (const op of ops) {
    const done = await applyOp(objects, op, signal);
    if (!done.ok) return done;
    if (done.value !== undefined) occupied.push(done.value);
  }
  return ok(occupied);
}

async function applyOp(
  objects: OwnObjects,
  op: SliceOp,
  signal: AbortSignal,
): Promise<Result<Occupied | undefined, KubeError>> {
  switch (op.kind) {
    case "create": {
      const made = await objects.ensure(ENDPOINT_SLICES, undefined, {
        make: () => op.slice,
        signal,
      });
      if (!made.ok) return made;
      if (made.value === "foreign") return ok(occupiedBy(op.slice.metadata.name));
      // It was there already, and the view lags: it may be of another time.
      const patch = diffSlice(made.value, op.slice);
      const patched = await objects.patch(ENDPOINT_SLICES, made.value, { patch, signal });
      return patched.ok ? ok(undefined) : patched;
    }
    case "patch": {
      const patched = await objects.patch(ENDPOINT_SLICES, op.observed, {
        patch: op.patch,
        signal,
      });
      return patched.ok ? ok(undefined) : patched;
    }
    case "delete": {
      const removed = await objects.remove(ENDPOINT_SLICES, op.observed, signal);
      return removed.ok ? ok(undefined) : removed;
    }
    case "occupied":
      return ok(occupiedBy(op.name));
  }
}

function occupiedBy(name: string): Occupied {
  return { kind: "EndpointSlice", name };
}
