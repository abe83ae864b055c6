import { invariant } from "../invariant.ts";
import { err, ok, type Result } from "../result.ts";
import { type Cidr, cidrsOverlap, formatCidr, parseCidr } from "./cidr.ts";

/** Networks of one kind that one member may name: gateways of all its peers hold rules for each. */
export const MEMBER_CIDRS_MAX = 64;

/** In no network of a member. What is reserved besides (240.0.0.0/4) is where global addresses come from by default. */
const NEVER: readonly Cidr[] = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "224.0.0.0/4",
  "255.255.255.255/32",
  "::/32",
  "fe80::/10",
  "ff00::/8",
].map((text) => {
  const parsed = parseCidr(text);
  invariant(parsed.ok, "a network of our own can be read", { text });
  return parsed.value;
});

/** A network of a member: canonical, and no address of it loopback, link-local, multicast or unspecified (SEC-06). */
export function parseMemberCidr(what: string, text: string): Result<Cidr, string> {
  const parsed = parseCidr(text);
  if (!parsed.ok) return err(`${what}: ${parsed.error}`);
  const shown = JSON.stringify(text.slice(0, 80));
  if (formatCidr(parsed.value) !== text) {
    return err(`${what} must be written ${formatCidr(parsed.value)}: got ${shown}`);
  }
  const hit = meetsNever(parsed.value);
  return hit === undefined
    ? ok(parsed.value)
    : err(`${what} must not meet ${formatCidr(hit)}: got ${shown}`);
}

/** The network that holds it or a part of it and that no member can have; undefined: there is none. */
export function meetsNever(cidr: Cidr): Cidr | undefined {
  return NEVER.find((never) => cidrsOverlap(never, cidr));
}
