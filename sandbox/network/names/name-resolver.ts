import type { Result } from "../../../api/result.ts";

/** Names to addresses, as a process inside the cluster would get them. */
export interface NameResolver {
  /** Canonical addresses in the order to try them; never empty. */
  resolve(name: string, signal: AbortSignal): Promise<Result<readonly string[], ResolveError>>;
}

export interface ResolveError {
  /** `not-found`: NXDOMAIN or no address; `failed`: no usable answer from the server. */
  readonly kind: "not-found" | "failed";
  readonly message: string;
}
