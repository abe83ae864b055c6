/** Why a request to a Kubernetes API server failed. `message` is the server's own, or says what broke. */
export interface KubeError {
  readonly kind: KubeErrorKind;
  readonly message: string;
  /** HTTP status; absent when no answer came. */
  readonly status?: number;
  /** From a Retry-After header (429, 503). */
  readonly retryAfterMs?: number;
}

export type KubeErrorKind =
  | "not-found" // 404 for one object
  | "no-such-resource" // 404 for the whole resource: its CRD is missing
  | "already-exists" // 409 AlreadyExists
  | "conflict" // 409 Conflict
  | "gone" // 410 Gone, Expired: relist
  | "invalid" // 400, 422
  | "forbidden" // 401, 403
  | "namespace-terminating" // 403 with cause NamespaceTerminating (IMP-07)
  | "throttled" // 429
  | "unavailable" // 5xx, connection refused or broken
  | "timeout"
  | "aborted";
