import { createHash } from "node:crypto";

/**
 * The MAC address of a tunnel device, made from the first global address of its node, so that everybody who knows the
 * address knows the MAC: nothing is learned or asked for on the wire. Unicast and locally administered (IEEE 802
 * section 8.4: the two lowest bits of the first octet are 10).
 */
export function hardwareAddress(device: "node" | "wan", globalAddress: string): string {
  const digest = createHash("sha256").update(`isthmus ${device} ${globalAddress}`).digest();
  const octets = [0x0a, ...digest.subarray(0, 5)];
  return octets.map((octet) => octet.toString(16).padStart(2, "0")).join(":");
}
