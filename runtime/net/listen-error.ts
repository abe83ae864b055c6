import type { ListenAddress } from "./listen-address.ts";
import { formatListenAddress } from "./listen-address.ts";

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "address in use by another process",
  EACCES: "permission denied: a port below 1024 needs CAP_NET_BIND_SERVICE",
  EADDRNOTAVAIL: "this machine does not have the address",
  EAFNOSUPPORT: "this machine does not have the address family",
  ENOTFOUND: "host name does not resolve",
};

/** What an operator should read when a server could not bind; the transport where one server has several. */
export function listenErrorText(
  address: ListenAddress,
  error: unknown,
  transport?: "tcp" | "udp",
): string {
  const where = formatListenAddress(address);
  return `cannot listen on ${transport === undefined ? "" : `${transport} `}${where}: ${reasonOf(error)}`;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return (code === undefined ? undefined : REASONS[code]) ?? error.message;
}
