import { formatIpAddress, parseIpAddress } from "../../api/network/ip-address.ts";

/** The same address always gets the same text, so that it can be a map key; undefined when it is no IP address. */
export function canonicalIp(text: string): string | undefined {
  const parsed = parseIpAddress(text);
  return parsed.ok ? formatIpAddress(parsed.value) : undefined;
}
