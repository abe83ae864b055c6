import { isIPv4, isIPv6 } from "node:net";
import type { IpFamily } from "../../api/kube/service.ts";

/** One address in its only spelling, so that equal addresses are equal strings (DNS-26). */
export interface IpAddress {
  readonly family: IpFamily;
  readonly text: string;
}

/** Undefined for what is no plain address: names, CIDRs, addresses with a zone index. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (isIPv4(text)) return { family: "IPv4", text };
  if (text.includes("%") || !isIPv6(text)) return undefined;
  // The URL serialiser writes RFC 5952 form, with mapped IPv4 in hexadecimal too.
  return { family: "IPv6", text: new URL(`http://[${text}]`).hostname.slice(1, -1) };
}
