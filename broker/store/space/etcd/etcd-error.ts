import { type ServiceError, status } from "@grpc/grpc-js";
import type { SpaceError } from "../space.ts";

/** What a failed call to etcd means. */
export function fromGrpcError(error: ServiceError): SpaceError {
  const text = `etcd: ${error.details === "" ? error.message : error.details}`;
  return { kind: isRefusal(error) ? "refused" : "unavailable", text };
}

/** The server has decided, and will decide so again: it does not let us, or does not know what we ask for. */
const REFUSALS: ReadonlySet<status> = new Set([
  status.INVALID_ARGUMENT,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.UNIMPLEMENTED,
]);

function isRefusal({ code, details }: ServiceError): boolean {
  // Full; "too many requests" has the same code.
  const isFull = code === status.RESOURCE_EXHAUSTED && details.includes("space exceeded");
  return isFull || REFUSALS.has(code);
}

/** The revision asked for is history that etcd has dropped. */
export function isCompacted({ code, details }: ServiceError): boolean {
  return code === status.OUT_OF_RANGE && details.includes("compacted");
}
