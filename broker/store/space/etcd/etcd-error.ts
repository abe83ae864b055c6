import { type ServiceError, status } from "@grpc/grpc-js";
import type { SpaceError } from "../space.ts";

/** What a failed call to etcd means. */
export function fromGrpcError(error: ServiceError): SpaceError {
  const text = `etcd: ${error.details === "" ? error.message : error.details}`;
  return { kind: isRefusal(error) ? "refused" : "unavailable", text };
}

/** The server has decided, and will decide so again: it is full, or does not let us. */
function isRefusal({ code, details }: ServiceError): boolean {
  switch (code) {
    case status.RESOURCE_EXHAUSTED:
      // "too many requests" has the same code.
      return details.includes("space exceeded");
    case status.INVALID_ARGUMENT:
    case status.PERMISSION_DENIED:
    case status.UNAUTHENTICATED:
    case status.UNIMPLEMENTED:
      return true;
    default:
      return false;
  }
}

/** The revision asked for is history that etcd has dropped. */
export function isCompacted({ code, details }: ServiceError): boolean {
  return code === status.OUT_OF_RANGE && details.includes("compacted");
}
