import { isIP, isIPv4 } from "node:net";
import type { Result } from "../../api/result.ts";
import { err, ok } from "../../api/result.ts";

/** Where a server listens. */
export interface ListenAddress {
  /** IP address without brackets, or a host name. Absent: every address of both families. */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/i;

/** Reads `host:port`, `:port` or `[address]:port`: brackets are for whoever puts in an address of a family that he does not know. */
export function parseListenAddress(text: string): Result<ListenAddress, string> {
  const fail = (rule: string): Result<never, string> =>
    err(`cannot parse listen address: ${rule}: got ${JSON.stringify(text)}`);
  const colon = text.lastIndexOf(":");
  if (colon === -1) return fail('must be "host:port", ":port" or "[ipv6]:port"');
  const portText = text.slice(colon + 1);
  const port = Number(portText);
  if (!/^\d{1,5}$/.test(portText) || port > 65_535) return fail("port must be 0 to 65535");
  const host = text.slice(0, colon);
  if (host === "") return ok({ port });
  if (host.startsWith("[") && host.endsWith("]")) {
    const inner = host.slice(1, -1);
    return isIP(inner) === 0 ? fail("brackets must hold an IP address") : ok({ host: inner, port });
  }
  if (host.includes(":")) return fail("an IPv6 address must be in brackets");
  if (/^[\d.]+$/.test(host) && !isIPv4(host)) return fail("host must be an IPv4 address");
  if (!HOST_NAME.test(host)) return fail("host must be an IP address or a host name");
  return ok({ host, port });
}

/** The inverse of `parseListenAddress`. */
export function formatListenAddress({ host, port }: ListenAddress): string {
  if (host === undefined) return `:${port}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
