import { type ListenAddress } from "../../runtime/net/listen-address.ts";
import { listenErrorText } from "../../runtime/net/listen-error.ts";

/** Why a port could not be taken. */
export interface ListenError {
  /** The error's code where the system gave one, e.g. EADDRINUSE; otherwise empty. */
  readonly code: string;
  /** "cannot listen on udp 127.0.0.1:5353: address in use by another process" */
  readonly message: string;
}

export function fromListenError(
  transport: "udp" | "tcp",
  address: ListenAddress,
  cause: unknown,
): ListenError {
  const code =
    cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
  return { code, message: listenErrorText(address, cause, transport) };
}
