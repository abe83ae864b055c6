import { parseDnsLabel } from "../../api/dns-label.ts";
import type { IpAddress } from "./ip-address.ts";

/**
 * First label of an endpoint's own name (HDL-03). A hostname wins over anything generated (HDL-04); otherwise the
 * address with dashes, which the conformance suite compares by prefix (HDL-06).
 */
export function endpointLabel(hostname: string | undefined, address: IpAddress): string {
  if (hostname !== undefined) {
    const label = parseDnsLabel("endpoint hostname", hostname.toLowerCase());
    if (label.ok) return label.value;
  }
  return dashedAddress(address.text);
}

/** "10.1.2.3" -> "10-1-2-3"; "fd00:1::" -> "fd00-1--0" and "::1" -> "0--1", since a host label has no dash at its ends (HDL-07). */
function dashedAddress(text: string): string {
  const dashed = text.replaceAll(/[.:]/g, "-");
  return `${dashed.startsWith("-") ? "0" : ""}${dashed}${dashed.endsWith("-") ? "0" : ""}`;
}
