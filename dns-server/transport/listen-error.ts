const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "address in use",
  EADDRNOTAVAIL: "address not available on this machine",
  EACCES: "permission denied",
};

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Why a port could not be taken. */
export interface ListenError {
  /** The error's code where the system gave one, e.g. EADDRINUSE. */
  readonly code: string;
  readonly message: string;
}

/** "cannot listen on udp 127.0.0.1:5353: address in use" */
export function fromListenError(
  transport: "udp" | "tcp",
  address: ListenAddress,
  cause: unknown,
): ListenError {
  const code =
    cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
  const reason = REASONS[code] ?? (cause instanceof Error ? cause.message : String(cause));
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return { code, message: `cannot listen on ${transport} ${host}:${address.port}: ${reason}` };
}
