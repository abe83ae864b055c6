import { DeadlineError } from "../../clock/deadline.ts";
import type { KubeError } from "../kube-error.ts";

/** What operators should read for the codes that broken connections carry. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection closed by the server",
  ENOTFOUND: "host name does not resolve",
  EAI_AGAIN: "name server does not answer",
  ETIMEDOUT: "connection timed out",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  CERT_HAS_EXPIRED: "server certificate has expired",
  CERT_NOT_YET_VALID: "server certificate is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "server certificate is for another name",
  DEPTH_ZERO_SELF_SIGNED_CERT: "server certificate is self-signed and not in the kubeconfig's CA",
  SELF_SIGNED_CERT_IN_CHAIN: "server certificate comes from a CA that the kubeconfig does not name",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "server certificate comes from a CA that the kubeconfig does not name",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "server certificate comes from a CA that the kubeconfig does not name",
  CERT_SIGNATURE_FAILURE: "server certificate does not fit the kubeconfig's CA",
  ERR_SSL_WRONG_VERSION_NUMBER: "server does not speak TLS",
  EPROTO: "TLS handshake failed",
};

/** Turns what node:http threw into a value. `signal` is the one that bounded the request. */
export function fromConnectionError(
  error: unknown,
  server: string,
  signal: AbortSignal,
): KubeError {
  const deadline = error instanceof DeadlineError ? error : deadlineOf(signal);
  if (deadline !== undefined) {
    return { kind: "timeout", message: `no answer from API server ${server}: ${deadline.message}` };
  }
  if (signal.aborted) {
    return { kind: "aborted", message: `request to API server ${server} was given up` };
  }
  return {
    kind: "unavailable",
    message: `cannot reach API server ${server}: ${reasonOf(error)}`,
  };
}

function deadlineOf(signal: AbortSignal): DeadlineError | undefined {
  const reason: unknown = signal.aborted ? signal.reason : undefined;
  return reason instanceof DeadlineError ? reason : undefined;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const known = code === undefined ? undefined : REASONS[code];
  const detail = error.message === "" ? (code ?? error.name) : error.message;
  return known === undefined ? detail : `${known} (${detail})`;
}
