import { err, ok, type Result } from "../../api/result.ts";
import { type Addresses, CLUSTERSET_ZONE } from "./corefile-stanza.ts";

// kube-dns keeps the zones that others serve as a JSON object in one key of its ConfigMap: zone -> addresses.

/** The text with our zone, everything else byte for byte as it was. Undefined: there is no such key yet. */
export function addStubDomain(
  text: string | undefined,
  addresses: Addresses,
): Result<string, string> {
  if (text === undefined || text.trim() === "") return ok(`{${entryOf(addresses[0])}}`);
  const rest = removeStubDomain(text, addresses);
  const zones = parse(rest);
  if (zones === undefined) {
    return err(`stubDomains must be a JSON object: got ${rest.slice(0, 40)}`);
  }
  const there = zones[CLUSTERSET_ZONE];
  if (there !== undefined) {
    return err(
      `stubDomains sends ${CLUSTERSET_ZONE} to ${JSON.stringify(there)} already, and not by Isthmus: remove that first`,
    );
  }
  const comma = Object.keys(zones).length === 0 ? "" : ",";
  return ok(rest.replace("{", () => `{${entryOf(addresses[0])}${comma}`));
}

/** The text without our zone; unchanged when the zone is not there or goes elsewhere. */
export function removeStubDomain(text: string, addresses: Addresses): string {
  const zones = parse(text);
  const there = zones?.[CLUSTERSET_ZONE];
  const address = addresses.find((one) => JSON.stringify([one]) === JSON.stringify(there));
  if (zones === undefined || address === undefined) return text;
  const others = Object.keys(zones).length > 1;
  const whole = `${entryOf(address)}${others ? "," : ""}`;
  if (text.includes(whole)) return text.replace(whole, () => "");
  const { [CLUSTERSET_ZONE]: _, ...rest } = zones;
  return JSON.stringify(rest);
}

function entryOf(address: string): string {
  return `${JSON.stringify(CLUSTERSET_ZONE)}:${JSON.stringify([address])}`;
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? { ...value } : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
